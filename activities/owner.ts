import { Context } from '@temporalio/activity'
import { failure } from './failures.ts'

/** One execution of a workflow: a reset, or a retry under the same id, is another. */
export interface Execution {
  readonly workflowId: string
  readonly runId: string
}

/**
 * The execution that the current activity works for, as Temporal tells it.
 * @throws InvalidInput for an activity that somebody has started by itself
 */
export function currentExecution(): Execution {
  const execution = Context.current().info.workflowExecution
  if (execution === undefined) throw failure('InvalidInput', 'This activity does nothing outside a workflow.')
  const { workflowId, runId } = execution
  return { workflowId, runId }
}

/** The workflow that the current activity works for. @throws InvalidInput */
export function workflowId(): string {
  return currentExecution().workflowId
}

/** The failure of an activity whose execution is not the one of its workflow that is open. */
export function executionEnded({ workflowId: id }: Execution): Error {
  return failure(
    'ExecutionEnded',
    `This execution of the run ${id} has ended, or was reset, so its activity does no more.`,
  )
}
