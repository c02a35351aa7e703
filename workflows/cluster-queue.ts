import {
  condition,
  defineSignal,
  getExternalWorkflowHandle,
  isCancellation,
  setHandler,
} from '@temporalio/workflow'
import { removeEarlierClusters, requestClusterSlot } from './activity-options.ts'
import { CLUSTER_SLOT_GRANTED, RELEASE_CLUSTER_SLOT } from './contract.ts'
import type { Attempt } from './run-types.ts'
import { calling } from './summaries.ts'

const clusterSlotGranted = defineSignal<[string]>(CLUSTER_SLOT_GRANTED)
const releaseClusterSlot = defineSignal<[string]>(RELEASE_CLUSTER_SLOT)

// How long a request stands before it is made again, in milliseconds. It is lost only when the keeper of the slots was
// terminated, so the first minute is short and the rest is not.
const FIRST_WAIT_MS = 60_000
const LONGEST_WAIT_MS = 10 * 60_000

/** A run's place in line for one of the deployment's clusters. */
export interface ClusterQueue {
  /** Waits until the attempt's cluster may be created. May be cancelled. */
  enter(attempt: Attempt): Promise<void>
  /** Gives up the place in line, or a slot without a cluster. Never rejects: without a keeper of the slots there is nothing to free. */
  leave(attempt: Attempt): Promise<void>
}

/** @param keeper workflow id of the keeper of the deployment's slots */
export function createClusterQueue(keeper: string): ClusterQueue {
  const granted = new Set<string>()
  let since: string | undefined
  setHandler(clusterSlotGranted, (clusterName) => {
    granted.add(clusterName)
  })
  return {
    async enter(attempt) {
      const { clusterName } = attempt
      const isGranted = (): boolean => granted.has(clusterName)
      // The run's first request counts, so that a second attempt does not go to the end of the line.
      since ??= new Date().toISOString()
      for (let wait = FIRST_WAIT_MS; ; wait = Math.min(2 * wait, LONGEST_WAIT_MS)) {
        if (await calling(`Ask for a slot for ${clusterName}`, requestClusterSlot, clusterName, since)) return
        if (await condition(isGranted, wait)) return
        // After a reset, the slot that this run waits for may be that of its own earlier cluster, which nobody else takes
        // down while the run is open.
        await Promise.race([tidyUp(), condition(isGranted)])
        if (isGranted()) return
      }
    },
    async leave({ clusterName }) {
      await getExternalWorkflowHandle(keeper)
        .signal(releaseClusterSlot, clusterName)
        .catch(() => undefined)
    },
  }
}

/** What it does not manage now, it, the creation or the sweep does later. */
async function tidyUp(): Promise<void> {
  try {
    await calling('Delete the clusters that this run had before', removeEarlierClusters)
  } catch (error) {
    if (isCancellation(error)) throw error
  }
}
