import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client'
import { WORKFLOW_TYPE, workflowIdOf } from '../../../workflows/contract.ts'
import { INPUT_FIELDS } from '../json.ts'
import { Problem } from '../problem.ts'
import { describeIfVisible } from './describe-run.ts'
import { differences } from './input.ts'
import { inputOf } from './input-of.ts'
import type { RunSummary } from './run.ts'
import { idsFor, type RunName } from './run-name.ts'
import { ownerOf, type Scope } from './scope.ts'
import { type StartRequest, startOptions } from './start-options.ts'
import { factsOf, summaryOf } from './summary.ts'
import { callTemporal } from './temporal-call.ts'

/** What came of a start. */
export interface Started {
  readonly run: RunSummary
  /** False when the caller had started it before, in the same words. */
  readonly created: boolean
}

/** A run that the caller asks for; it will be the caller's own. */
export type OwnStart = Omit<StartRequest, 'runId' | 'startedBy' | 'retriedBy'> & { readonly name: RunName }

/**
 * Starts a run, or finds the one that the caller started before under its id (P1).
 * @throws Problem 409 when that one was asked for something else, or the id is taken; 503 when Temporal is away
 */
export async function startRun(scope: Scope, { name, ...wanted }: OwnStart): Promise<Started> {
  const ids = idsFor(name, scope)
  for (const [i, runId] of ids.entries()) {
    try {
      return await startUnder(scope, { ...wanted, runId, startedBy: scope.caller.email })
    } catch (error) {
      const givesWay = error instanceof TakenError || (error instanceof DiffersError && 'ofMoment' in name)
      if (!givesWay || i === ids.length - 1) throw error
    }
  }
  throw new Error('A run has at least one id.')
}

async function startUnder(scope: Scope, request: StartRequest): Promise<Started> {
  const { client } = scope
  const options = startOptions(request, scope)
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
        ...(request.startedBy !== undefined && { startedBy: request.startedBy }),
        rawPath: request.input.rawPath,
        input: request.input,
        ...(request.note !== undefined && { note: request.note }),
        logicalDate: request.logicalDate ?? startedAt,
      },
    }
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error
    return { created: false, run: await existingRun(scope, request) }
  }
}

async function existingRun(scope: Scope, request: StartRequest): Promise<RunSummary> {
  const description = await describeIfVisible(scope, workflowIdOf(request.runId))
  // An operator sees others' runs, but what it starts is to be its own.
  if (description === undefined || ownerOf(description) !== scope.caller.email)
    throw new TakenError(request.runId)
  const existing = await inputOf(scope.client, description)
  const fields = differences(existing, request.input)
  if (fields.length === 0) return summaryOf(factsOf(description))
  throw new DiffersError(
    request.runId,
    fields.map((field) => INPUT_FIELDS[field]),
  )
}

/** The caller's own run was asked for something else. */
class DiffersError extends Problem {
  constructor(runId: string, names: readonly string[]) {
    super(
      409,
      `The run ${JSON.stringify(runId)} exists and was asked for something else: ${names.join(', ')} ${names.length === 1 ? 'differs' : 'differ'}. Choose another run_id, or send the same request.`,
      { extensions: { run_id: runId, differs: names } },
    )
  }
}

/** Says nothing of the run that has the id, nor of whose it is. */
class TakenError extends Problem {
  constructor(runId: string) {
    super(409, `The run id ${JSON.stringify(runId)} is taken. Choose another.`)
  }
}
