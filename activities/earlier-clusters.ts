import { Context } from '@temporalio/activity'
import type { Attempt } from '../workflows/run-types.ts'
import type { Leftovers } from './leftovers.ts'
import { heartbeating } from './long-running.ts'
import { workflowId } from './owner.ts'

/**
 * Deletes the clusters of this run's other attempts. A run has one cluster at a time; after a reset, the one that it had
 * before is known to nobody but by its metadata. Never rejects: what is left is not worth the run, and the scheduled sweep
 * takes it once the run is closed.
 */
export async function removeEarlierClusters(leftovers: Leftovers, { key: ours }: Attempt): Promise<void> {
  const run = workflowId()
  try {
    await heartbeating(() => leftovers.remove(async (owner, key) => owner === run && key !== ours))
  } catch (error) {
    Context.current().log.warn('an earlier cluster of this run could not be deleted', { error })
  }
}
