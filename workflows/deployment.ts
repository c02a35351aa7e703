import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common'
import { ApplicationFailure, workflowInfo } from '@temporalio/workflow'
import type { FailureType } from './contract.ts'

/** The search attribute by which a deployment knows its own runs. */
export const DEPLOYMENT = defineSearchAttributeKey('Deployment', SearchAttributeType.KEYWORD)

/**
 * Refuses a run that was started for another deployment than the worker's, which would do it with its own buckets, table
 * and rights. A run that was started by hand names none, and becomes the worker's.
 * @throws ForeignRun
 */
export function refuseForeignRun(deployment: string): void {
  // Not the typed ones: whoever starts a run by hand need not say of which type an attribute is.
  const [wanted] = workflowInfo().searchAttributes[DEPLOYMENT.name] ?? []
  if (wanted === undefined || wanted === deployment) return
  const type: FailureType = 'ForeignRun'
  throw ApplicationFailure.nonRetryable(
    `The run is of the deployment ${wanted}, and a worker of ${deployment} was given it: both use the task queue ${workflowInfo().taskQueue}. Give each deployment a TEMPORAL_TASK_QUEUE of its own, then retry the run.`,
    type,
  )
}
