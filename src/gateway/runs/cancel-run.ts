import { randomUUID } from 'node:crypto'
import { Problem } from '../problem.ts'
import { isOngoing } from '../schemas/run.ts'
import { CANCEL_REASON } from './cancelled-by.ts'
import { describeExecution } from './describe-run.ts'
import type { RunSummary } from './run.ts'
import type { Scope } from './scope.ts'
import { factsOf, summaryOf } from './summary.ts'
import { callTemporal, isNotFound } from './temporal-call.ts'

/**
 * Asks a run to end early; it still takes its cluster down and cleans up. Asking twice is asking once. The event in the
 * run's history names the caller.
 * @throws Problem 404 when there is no such run, 409 when it has ended
 */
export async function cancelRun(scope: Scope, runId: string): Promise<RunSummary> {
  const { client, caller } = scope
  const run = summaryOf(factsOf(await describeExecution(scope, runId)))
  if (!isOngoing(run.status)) throw ended(run)
  const request = {
    namespace: client.options.namespace,
    workflowExecution: { workflowId: run.workflowId, runId: run.executionId },
    requestId: randomUUID(),
    identity: caller.email,
    reason: CANCEL_REASON,
  }
  await callTemporal(client, async () => {
    try {
      await client.workflowService.requestCancelWorkflowExecution(request)
    } catch (error) {
      // Temporal's word for a run that has ended in between.
      throw isNotFound(error) ? ended(run) : error
    }
  })
  return run
}

function ended(run: RunSummary): Problem {
  const how = isOngoing(run.status) ? '' : ` (${run.status.replace('_', ' ')})`
  return new Problem(409, `The run ${JSON.stringify(run.runId)} has ended${how}; there is nothing to cancel.`)
}
