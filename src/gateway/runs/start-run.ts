import { type Client, WorkflowExecutionAlreadyStartedError } from '@temporalio/client'
import { WORKFLOW_TYPE } from '../../../workflows/contract.ts'
import { INPUT_FIELDS } from '../json.ts'
import { Problem } from '../problem.ts'
import { describeExecution } from './describe-run.ts'
import { differences } from './input.ts'
import { inputOf } from './input-of.ts'
import type { RunSummary } from './run.ts'
import { type StartRequest, startOptions } from './start-options.ts'
import { factsOf, summaryOf } from './summary.ts'
import { callTemporal } from './temporal-call.ts'

/** What came of a start. */
export interface Started {
  readonly run: RunSummary
  /** False when a run of that id was there already, asked for in the same words. */
  readonly created: boolean
}

/**
 * Starts a run, or finds the one that was started before under its id (P1).
 * @throws Problem 409 when that one was asked for something else, 503 when Temporal is away
 */
export async function startRun(client: Client, request: StartRequest, taskQueue: string): Promise<Started> {
  const options = startOptions(request, taskQueue)
  try {
    const handle = await callTemporal(client, () => client.workflow.start(WORKFLOW_TYPE, options))
    const startedAt = new Date()
    return {
      created: true,
      run: {
        runId: request.runId,
        workflowId: handle.workflowId,
        executionId: handle.firstExecutionRunId,
        status: 'running',
        startedAt,
        startedBy: request.startedBy,
        rawPath: request.input.rawPath,
        input: request.input,
        ...(request.note !== undefined && { note: request.note }),
        logicalDate: request.logicalDate ?? startedAt,
      },
    }
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error
    return { created: false, run: await existingRun(client, request) }
  }
}

async function existingRun(client: Client, request: StartRequest): Promise<RunSummary> {
  const description = await describeExecution(client, request.runId)
  const existing = await inputOf(client, description)
  const fields = differences(existing, request.input)
  if (fields.length === 0) return summaryOf(factsOf(description))
  const names = fields.map((field) => INPUT_FIELDS[field])
  throw new Problem(
    409,
    `The run ${JSON.stringify(request.runId)} exists and was asked for something else: ${names.join(', ')} ${names.length === 1 ? 'differs' : 'differ'}. Choose another run_id, or send the same request.`,
    { extensions: { run_id: request.runId, differs: names } },
  )
}
