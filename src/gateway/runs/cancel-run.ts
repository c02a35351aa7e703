import { type Client, WorkflowNotFoundError } from '@temporalio/client'
import { Problem } from '../problem.ts'
import { isOngoing } from '../schemas/run.ts'
import { describeExecution } from './describe-run.ts'
import type { RunSummary } from './run.ts'
import { factsOf, summaryOf } from './summary.ts'
import { callTemporal } from './temporal-call.ts'

/**
 * Asks a run to end early; it still takes its cluster down and cleans up. Asking twice is asking once.
 * @throws Problem 404 when there is no such run, 409 when it has ended
 */
export async function cancelRun(client: Client, runId: string): Promise<RunSummary> {
  const run = summaryOf(factsOf(await describeExecution(client, runId)))
  if (!isOngoing(run.status)) throw ended(run)
  try {
    await callTemporal(client, () => client.workflow.getHandle(run.workflowId, run.executionId).cancel())
  } catch (error) {
    // Temporal's word for a run that has ended in between.
    if (error instanceof WorkflowNotFoundError) throw ended(run)
    throw error
  }
  return run
}

function ended(run: RunSummary): Problem {
  const how = isOngoing(run.status) ? '' : ` (${run.status.replace('_', ' ')})`
  return new Problem(409, `The run ${JSON.stringify(run.runId)} has ended${how}; there is nothing to cancel.`)
}
