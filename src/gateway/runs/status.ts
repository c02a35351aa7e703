import type { WorkflowExecutionStatusName } from '@temporalio/client'
import type { RunStatus } from '../schemas/run.ts'

const STATUS_OF: Readonly<Partial<Record<WorkflowExecutionStatusName, RunStatus>>> = {
  COMPLETED: 'succeeded',
  FAILED: 'failed',
  CANCELLED: 'cancelled',
  TERMINATED: 'terminated',
  TIMED_OUT: 'timed_out',
}

/** The native API's word for Temporal's status of an execution; what is not closed, paused runs too, is running. */
export function statusOf(name: WorkflowExecutionStatusName): RunStatus {
  return STATUS_OF[name] ?? 'running'
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
export function statusOfCode(code: number): RunStatus {
  return STATUS_OF_CODE[code] ?? 'running'
}

const QUERY_WORD: Readonly<Record<RunStatus, string>> = {
  running: 'Running',
  succeeded: 'Completed',
  failed: 'Failed',
  cancelled: 'Canceled',
  terminated: 'Terminated',
  timed_out: 'TimedOut',
}

/** The word for a status in a visibility query: https://docs.temporal.io/list-filter */
export function queryWordOf(status: RunStatus): string {
  return QUERY_WORD[status]
}
