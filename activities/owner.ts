import { Context } from '@temporalio/activity'

/** The workflow that the current activity works for. */
export function workflowId(): string {
  const id = Context.current().info.workflowExecution?.workflowId
  if (id === undefined) throw new Error('This activity was started outside a workflow.')
  return id
}
