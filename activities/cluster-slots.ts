import pMap from 'p-map'
import type { SlotCheck, SlotHolder } from '../workflows/run-types.ts'
import type { ActivityClients, ActivitySettings } from './context.ts'
import { removeEarlierClusters } from './earlier-clusters.ts'
import { attempting, messageOf, passingFailure } from './failures.ts'
import { getCluster } from './get-cluster.ts'
import { workflowIdOfCluster } from './labels.ts'
import { createLeftovers } from './leftovers.ts'
import { heartbeating, pauseFor } from './long-running.ts'
import { ourClusters } from './our-clusters.ts'
import { workflowId } from './owner.ts'

// Reads at the same time; enough to look at a hundred holders in a second or two.
const CONCURRENT_READS = 8

/** Activities around the limit on clusters: of the run that waits, and of the keeper of the slots. */
export function clusterSlotActivities(clients: ActivityClients, settings: ActivitySettings) {
  const { clusters, slots } = clients
  const { project: projectId, region, maxClusters: limit } = settings
  const leftovers = createLeftovers(clients, settings)
  return {
    /**
     * Asks for a slot for this run's cluster, or puts the run in line. Asking again changes nothing, but that a keeper that
     * was lost hears of it.
     * @param since when the run first asked, ISO 8601
     * @returns true when the run has its slot; otherwise a signal will tell
     */
    async requestClusterSlot(clusterName: string, since: string): Promise<boolean> {
      try {
        return await slots.request({ workflowId: workflowId(), clusterName, since, limit })
      } catch (error) {
        // Temporal refuses, as if the request were wrong, while the keeper has no worker that gets on with it.
        const what = `Could not ask for a slot for the cluster ${clusterName}: ${messageOf(error)}`
        throw passingFailure('Unavailable', what)
      }
    },

    /** Deletes the clusters that this run had before a reset, and waits until they are gone. Never fails. */
    async removeEarlierClusters(): Promise<void> {
      await removeEarlierClusters(leftovers)
    },

    /** The deployment's clusters, in whatever state: each is paid for. */
    async listSlotHolders(): Promise<readonly SlotHolder[]> {
      return attempting('list the clusters of the deployment', () =>
        heartbeating(async () => {
          const holders: SlotHolder[] = []
          for await (const cluster of ourClusters(clients, settings)) {
            const { clusterName } = cluster
            if (!clusterName) continue
            holders.push({ workflowId: workflowIdOfCluster(cluster) ?? '', clusterName })
          }
          return holders
        }),
      )
    },

    /**
     * Finds the slots that nobody will give back. A slot has lapsed when its cluster is not there and will not be: its run
     * is closed, or is at another attempt. One that is open and has not created its cluster yet keeps its slot, and so does
     * a closed one whose cluster still exists.
     */
    async findLapsedSlots(holders: readonly SlotHolder[]): Promise<SlotCheck> {
      return attempting('look for slots that have lapsed', () =>
        heartbeating(async () => {
          const suspects = await lapsedOf(holders)
          // A creation that was under way when its run was terminated may still be carried out for a while.
          if (suspects.length > 0) await pauseFor(settings.settleMs)
          const lapsed = await lapsedOf(suspects)
          return { lapsed: lapsed.map(({ clusterName }) => clusterName), limit }
        }),
      )
    },
  }

  async function lapsedOf(holders: readonly SlotHolder[]): Promise<readonly SlotHolder[]> {
    const looked = await pMap(holders, async (holder) => ((await hasLapsed(holder)) ? [holder] : []), {
      concurrency: CONCURRENT_READS,
    })
    return looked.flat()
  }

  async function hasLapsed({ workflowId: id, clusterName }: SlotHolder): Promise<boolean> {
    // First the run, then the cluster: the other way round, a run could create it and end in between.
    const run = id === '' ? { isOpen: false } : await clients.readRun(id)
    if (run.isOpen && run.clusterName === clusterName) return false
    return (await getCluster(clusters, { projectId, region, clusterName })) === undefined
  }
}
