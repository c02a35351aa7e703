import { Context } from '@temporalio/activity'
import { failure } from './failures.ts'

/**
 * The workflow that the current activity works for.
 * @throws InvalidInput for an activity that somebody has started by itself
 */
export function workflowId(): string {
  const id = Context.current().info.workflowExecution?.workflowId
  if (id === undefined) throw failure('InvalidInput', 'This activity does nothing outside a workflow.')
  return id
}
