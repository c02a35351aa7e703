import type { WorkflowExecutionDescription } from '@temporalio/client'
import { type AverageSpeedInput, INPUT_MEMO, RETRIED_BY_MEMO, runIdOf } from '../../../workflows/contract.ts'
import type { RunStatus } from '../schemas/run.ts'
import { attributes } from './attributes.ts'
import type { RunSummary } from './run.ts'
import { ownerOf } from './scope.ts'
import { statusOf } from './status.ts'

/** Key of the memo under which an Airflow client's note is kept. */
export const NOTE_MEMO = 'note'

/** What Temporal tells of an execution, by describe or by list. */
export interface ExecutionFacts {
  readonly workflowId: string
  readonly executionId: string
  readonly status: RunStatus
  readonly startTime: Date
  readonly closeTime: Date | undefined
  readonly memo: Readonly<Record<string, unknown>>
  readonly rawPath: string | undefined
  readonly step: string | undefined
  readonly logicalDate: Date | undefined
}

/** The facts that a description holds. */
export function factsOf(description: WorkflowExecutionDescription): ExecutionFacts {
  const step = description.typedSearchAttributes.get(attributes.runStep)
  return {
    workflowId: description.workflowId,
    executionId: description.runId,
    status: statusOf(description.status.name, step),
    startTime: description.startTime,
    closeTime: description.closeTime,
    memo: description.memo ?? {},
    rawPath: description.typedSearchAttributes.get(attributes.rawPath),
    step,
    logicalDate: description.typedSearchAttributes.get(attributes.logicalDate),
  }
}

/** An execution as a run. */
export function summaryOf(facts: ExecutionFacts): RunSummary {
  const startedBy = ownerOf(facts)
  const retriedBy = facts.memo[RETRIED_BY_MEMO]
  const note = facts.memo[NOTE_MEMO]
  const input = inputInMemo(facts)
  const rawPath = input?.rawPath ?? facts.rawPath
  return {
    runId: runIdOf(facts.workflowId),
    workflowId: facts.workflowId,
    executionId: facts.executionId,
    status: facts.status,
    startedAt: facts.startTime,
    logicalDate: facts.logicalDate ?? facts.startTime,
    ...(facts.closeTime && { endedAt: facts.closeTime }),
    ...(startedBy !== undefined && { startedBy }),
    ...(typeof retriedBy === 'string' && { retriedBy }),
    ...(typeof note === 'string' && { note }),
    ...(input !== undefined && { input }),
    ...(rawPath !== undefined && { rawPath }),
    ...(facts.step !== undefined && { step: facts.step }),
  }
}

/** The input that the starter noted; absent when the run was started by hand. */
export function inputInMemo(facts: Pick<ExecutionFacts, 'memo'>): AverageSpeedInput | undefined {
  return facts.memo[INPUT_MEMO] as AverageSpeedInput | undefined
}
