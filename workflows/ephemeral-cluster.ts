import { ApplicationFailure, isCancellation } from '@temporalio/workflow'
import { creation, diagnoseCluster, teardown } from './activity-options.ts'
import type { Cleanup } from './cleanup.ts'
import type { ClusterQueue } from './cluster-queue.ts'
import { waitingSeconds } from './cluster-seconds.ts'
import type { ClusterReceipt } from './contract.ts'
import { nameOf, sentenceOf } from './failures.ts'
import type { Progress } from './progress.ts'
import type { Attempt, ClusterRef, ClusterTimes, Deadlines } from './run-types.ts'
import { calling } from './summaries.ts'
import { logStuckTeardown, recordCluster } from './telemetry.ts'

/** What a cluster needs from the run that it serves. */
export interface ClusterContext {
  readonly deadlines: Deadlines
  readonly cleanup: Cleanup
  readonly progress: Progress
  /** Where the run waits for its turn. */
  readonly queue: ClusterQueue
  /** Filled with what each cluster cost. */
  readonly receipts: ClusterReceipt[]
}

/**
 * Runs `body` on a cluster of its own, as soon as the deployment's limit allows for one. Teardown is armed before the
 * creation is asked for (P3), and started the moment that `body` has ended, however it ended (P5); the run's cleanup waits
 * for it. The slot is freed with the cluster.
 */
export async function withEphemeralCluster<T>(
  context: ClusterContext,
  attempt: Attempt,
  body: (cluster: ClusterRef) => Promise<T>,
): Promise<T> {
  const { cleanup, progress, queue } = context
  // Armed before the slot is asked for. Once a cluster may exist, its slot goes with it.
  let mayExist = false
  const leave = cleanup.arm(`The slot of the cluster ${attempt.clusterName} was not freed`, async () => {
    if (!mayExist) await queue.leave(attempt)
  })
  try {
    await progress.step('queued', () => queue.enter(attempt))
  } catch (error) {
    void leave()
    throw error
  }
  const requestedAt = Date.now()
  let cluster: ClusterRef | undefined
  mayExist = true
  const tearDown = cleanup.arm(`The cluster ${attempt.clusterName} may still exist`, () =>
    deleteCluster(context, attempt, cluster, requestedAt),
  )
  try {
    cluster = await progress.step(
      'createCluster',
      () => create(context.deadlines, attempt),
      (created) => `${created.name} is running`,
    )
    return await body(cluster)
  } finally {
    // Started here, awaited by the cleanup: what follows the job does not wait for the cluster to go.
    void tearDown()
  }
}

async function create(deadlines: Deadlines, attempt: Attempt): Promise<ClusterRef> {
  try {
    return await calling(
      `Create the cluster ${attempt.clusterName}`,
      creation(deadlines).createCluster,
      attempt,
      deadlines,
    )
  } catch (error) {
    if (isCancellation(error)) throw error
    const { type, message } = nameOf(error, 'createCluster')
    if (type !== 'ClusterCreationFailed' && type !== 'ClusterCreationTimedOut') throw error
    throw ApplicationFailure.create({
      type,
      message: `${message}${await diagnosisOf(attempt)}`,
      nonRetryable: true,
      ...(error instanceof Error && { cause: error }),
    })
  }
}

async function diagnosisOf(attempt: Attempt): Promise<string> {
  try {
    const uri = await calling(`Diagnose the cluster ${attempt.clusterName}`, diagnoseCluster, attempt)
    return uri === undefined ? '' : ` Its diagnosis is at ${uri}.`
  } catch (error) {
    if (isCancellation(error)) throw error
    return ` It could not be diagnosed: ${sentenceOf(error)}`
  }
}

async function deleteCluster(
  { deadlines, progress, receipts }: ClusterContext,
  attempt: Attempt,
  cluster: ClusterRef | undefined,
  requestedAt: number,
): Promise<void> {
  const { clusterName: name, key, sparkJobId } = attempt
  const { uuid, runningAt } = cluster ?? {}
  const target = {
    key,
    ...(uuid !== undefined && { uuid, sparkJobId }),
    ...(runningAt !== undefined && { runningAt }),
  }
  const remove = (tries?: number): Promise<ClusterTimes> =>
    calling(`Delete the cluster ${name}`, teardown(deadlines, tries).deleteClusterIfPresent, target)
  const end = async (): Promise<ClusterTimes> => {
    try {
      return await remove(2)
    } catch (error) {
      // From here on the teardown is stuck, and lists show it (P11).
      progress.teardownPending(true)
      logStuckTeardown(name, sentenceOf(error))
      progress.publish()
      const times = await remove()
      progress.teardownPending(false)
      return times
    }
  }
  let times: ClusterTimes | undefined
  try {
    times = await progress.step('deleteCluster', end, () => `${name} is gone`)
  } finally {
    const waiting = times && waitingSeconds(times)
    const receipt: ClusterReceipt = {
      name,
      ...(cluster && { uuid: cluster.uuid }),
      seconds: (Date.now() - requestedAt) / 1000,
      ...(waiting !== undefined && { waitingSeconds: waiting }),
      deleted: times !== undefined,
    }
    receipts.push(receipt)
    recordCluster(receipt)
    progress.publish()
  }
}
