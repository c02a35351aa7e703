import { ApplicationFailure, isCancellation } from '@temporalio/workflow'
import { creation, diagnoseCluster, teardown } from './activity-options.ts'
import type { Cleanup } from './cleanup.ts'
import type { ClusterReceipt } from './contract.ts'
import { nameOf, sentenceOf } from './failures.ts'
import type { Progress } from './progress.ts'
import type { Attempt, ClusterRef, Deadlines } from './run-types.ts'

/** What a cluster needs from the run that it serves. */
export interface ClusterContext {
  readonly deadlines: Deadlines
  readonly cleanup: Cleanup
  readonly progress: Progress
  /** Filled with what each cluster cost. */
  readonly receipts: ClusterReceipt[]
}

/**
 * Runs `body` on a cluster of its own. Teardown is armed before the creation is asked for (P3), and started the moment
 * that `body` has ended, however it ended (P5); the run's cleanup waits for it.
 */
export async function withEphemeralCluster<T>(
  context: ClusterContext,
  attempt: Attempt,
  body: (cluster: ClusterRef) => Promise<T>,
): Promise<T> {
  const requestedAt = Date.now()
  let cluster: ClusterRef | undefined
  const tearDown = context.cleanup.arm(`The cluster ${attempt.clusterName} may still exist`, () =>
    deleteCluster(context, attempt, cluster, requestedAt),
  )
  try {
    cluster = await context.progress.step(
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
    return await creation(deadlines).createCluster(attempt, deadlines)
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
    const uri = await diagnoseCluster(attempt)
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
  const target = { name: attempt.clusterName, key: attempt.key, ...(cluster && { uuid: cluster.uuid }) }
  const end = async (): Promise<void> => {
    try {
      await teardown(deadlines, 2).deleteClusterIfPresent(target)
    } catch {
      // From here on the teardown is stuck, and lists show it (P11).
      progress.teardownPending(true)
      progress.publish()
      await teardown(deadlines).deleteClusterIfPresent(target)
      progress.teardownPending(false)
    }
  }
  let deleted = false
  try {
    await progress.step('deleteCluster', end, () => `${attempt.clusterName} is gone`)
    deleted = true
  } finally {
    const seconds = (Date.now() - requestedAt) / 1000
    receipts.push({ name: attempt.clusterName, ...(cluster && { uuid: cluster.uuid }), seconds, deleted })
    progress.publish()
  }
}
