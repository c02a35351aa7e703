import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client'
import { WORKFLOW_TYPE } from '../../../workflows/contract.ts'
import type { RequestRules } from '../../../workflows/plan.ts'
import { Problem } from '../problem.ts'
import { isOngoing } from '../schemas/run.ts'
import { describeExecution } from './describe-run.ts'
import { normaliseInput } from './input.ts'
import { inputOf } from './input-of.ts'
import type { RunSummary } from './run.ts'
import type { Scope } from './scope.ts'
import { startOptions } from './start-options.ts'
import { factsOf, summaryOf } from './summary.ts'
import { callTemporal } from './temporal-call.ts'

/**
 * Does a run again that did not succeed, under its own id and with its own input; the workflow finds the files wherever
 * they are by now. It stays whose it was, and notes who asked. Of two retries at the same moment one starts the run, and
 * both name it.
 * @throws Problem 404 when there is no such run, 409 when it goes on or has succeeded
 */
export async function retryRun(scope: Scope, runId: string, rules: RequestRules): Promise<RunSummary> {
  const { client, caller } = scope
  const description = await describeExecution(scope, runId)
  const before = summaryOf(factsOf(description))
  if (isOngoing(before.status) || before.status === 'succeeded') throw notForRetry(before)
  const { startedBy, note, logicalDate } = before
  const request = {
    runId,
    input: normaliseInput(await inputOf(client, description), rules),
    logicalDate,
    retriedBy: caller.email,
    ...(startedBy !== undefined && { startedBy }),
    ...(note !== undefined && { note }),
  }
  const options = {
    ...startOptions(request, scope),
    workflowId: before.workflowId,
    workflowIdReusePolicy: 'ALLOW_DUPLICATE_FAILED_ONLY',
  } as const
  try {
    await callTemporal(client, () => client.workflow.start(WORKFLOW_TYPE, options))
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error
  }
  return summaryOf(factsOf(await describeExecution(scope, runId)))
}

function notForRetry(run: RunSummary): Problem {
  return new Problem(
    409,
    isOngoing(run.status)
      ? `The run ${JSON.stringify(run.runId)} still goes on. Cancel it first if it must begin anew.`
      : `The run ${JSON.stringify(run.runId)} has succeeded. To load its batch again, start a new run with a reload label.`,
  )
}
