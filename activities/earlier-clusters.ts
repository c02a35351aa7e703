import { Context } from '@temporalio/activity'
import type { Leftovers } from './leftovers.ts'
import { heartbeating } from './long-running.ts'
import { workflowId } from './owner.ts'

/**
 * Deletes the clusters of this run that it does not work with (any more). A run has one cluster at a time; after a reset, the
 * one that it had before is known to nobody but by its metadata. Which one the run works with is asked of Temporal: whoever
 * calls this may be the activity of an earlier execution, whose own cluster has come too late. Never rejects: what is left
 * is not worth the run, and the scheduled sweep takes it.
 */
export async function removeEarlierClusters(leftovers: Leftovers): Promise<void> {
  const run = workflowId()
  try {
    await heartbeating(() => leftovers.remove((owner) => owner === run))
  } catch (error) {
    Context.current().log.warn('an earlier cluster of this run could not be deleted', { error })
  }
}
