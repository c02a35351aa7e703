import { type Client, WorkflowNotFoundError } from '@temporalio/client'

/**
 * Asks Temporal whether the workflow of an id has an open run: by describe, since lists lag behind. An id that Temporal
 * does not know, or has forgotten, has none.
 */
export function openWorkflows(client: Client): (workflowId: string) => Promise<boolean> {
  return async (workflowId) => {
    try {
      const { status } = await client.workflow.getHandle(workflowId).describe()
      return !['COMPLETED', 'FAILED', 'CANCELLED', 'TERMINATED', 'TIMED_OUT'].includes(status.name)
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return false
      throw error
    }
  }
}
