import type { WorkflowExecutionStatusName } from '@temporalio/client'
import type { RunStatus } from '../schemas/run.ts'

const STATUS_OF: Readonly<Record<WorkflowExecutionStatusName, RunStatus>> = {
  RUNNING: 'running',
  PAUSED: 'running',
  CONTINUED_AS_NEW: 'running',
  UNSPECIFIED: 'running',
  UNKNOWN: 'running',
  COMPLETED: 'succeeded',
  FAILED: 'failed',
  CANCELLED: 'cancelled',
  TERMINATED: 'terminated',
  TIMED_OUT: 'timed_out',
}

/** The native API's word for Temporal's status of an execution. */
export function statusOf(name: WorkflowExecutionStatusName): RunStatus {
  return STATUS_OF[name]
}
