import type { WorkflowExecutionStatusName } from '@temporalio/client'
import type { StepName } from '../../../workflows/contract.ts'
import type { RunStatus } from '../schemas/run.ts'

const STATUS_OF: Readonly<Partial<Record<WorkflowExecutionStatusName, RunStatus>>> = {
  COMPLETED: 'succeeded',
  FAILED: 'failed',
  CANCELLED: 'cancelled',
  TERMINATED: 'terminated',
  TIMED_OUT: 'timed_out',
}

/**
 * The native API's word for Temporal's status of an execution; what is not closed, paused runs too, is running, or queued
 * while it waits for a cluster.
 * @param step the one that it is at
 */
export function statusOf(name: WorkflowExecutionStatusName, step: string | undefined): RunStatus {
  return STATUS_OF[name] ?? ongoing(step)
}

// WorkflowExecutionStatus: https://github.com/temporalio/api/blob/master/temporal/api/enums/v1/workflow.proto
const STATUS_OF_CODE: Readonly<Record<number, RunStatus>> = {
  2: 'succeeded',
  3: 'failed',
  4: 'cancelled',
  5: 'terminated',
  7: 'timed_out',
}

/** The same for the number on the wire. */
export function statusOfCode(code: number, step: string | undefined): RunStatus {
  return STATUS_OF_CODE[code] ?? ongoing(step)
}

/** The step in which a run waits for a cluster. */
const QUEUED_STEP = 'queued' satisfies StepName

function ongoing(step: string | undefined): RunStatus {
  return step === QUEUED_STEP ? 'queued' : 'running'
}

// A run that was started by hand has no step before a worker has seen it.
const CONDITION: Readonly<Record<RunStatus, string>> = {
  queued: `(ExecutionStatus = 'Running' AND RunStep = '${QUEUED_STEP}')`,
  running: `(ExecutionStatus = 'Running' AND (RunStep != '${QUEUED_STEP}' OR RunStep IS NULL))`,
  succeeded: "ExecutionStatus = 'Completed'",
  failed: "ExecutionStatus = 'Failed'",
  cancelled: "ExecutionStatus = 'Canceled'",
  terminated: "ExecutionStatus = 'Terminated'",
  timed_out: "ExecutionStatus = 'TimedOut'",
}

/** What visibility is asked for a status: https://docs.temporal.io/list-filter */
export function conditionOf(status: RunStatus): string {
  return CONDITION[status]
}
