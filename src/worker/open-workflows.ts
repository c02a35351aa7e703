import { type Client, type WorkflowExecutionDescription, WorkflowNotFoundError } from '@temporalio/client'
import type { RunState } from '../../activities/index.ts'
import { PROGRESS_MEMO, type RunProgress } from '../../workflows/contract.ts'

/**
 * Asks Temporal for the open run of a workflow: by describe, since lists lag behind. An id that Temporal does not know, or
 * has forgotten, has none.
 */
export async function openRun(
  client: Client,
  workflowId: string,
): Promise<WorkflowExecutionDescription | undefined> {
  try {
    const run = await client.workflow.getHandle(workflowId).describe()
    const isClosed = ['COMPLETED', 'FAILED', 'CANCELLED', 'TERMINATED', 'TIMED_OUT'].includes(run.status.name)
    return isClosed ? undefined : run
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined
    throw error
  }
}

/** Finds the open execution of a workflow, by its run id. */
export function openExecutions(client: Client): (workflowId: string) => Promise<string | undefined> {
  return async (workflowId) => (await openRun(client, workflowId))?.runId
}

/** Reads what an open run of the pipeline says of itself. */
export function readRuns(client: Client): (workflowId: string) => Promise<RunState> {
  return async (workflowId) => {
    const run = await openRun(client, workflowId)
    const progress = run?.memo?.[PROGRESS_MEMO] as RunProgress | undefined
    return {
      isOpen: run !== undefined,
      ...(run !== undefined && { runId: run.runId }),
      ...(progress?.clusterName !== undefined && { clusterName: progress.clusterName }),
    }
  }
}

/** Asks for the id of a namespace, once: it does not change while the namespace exists. */
export function namespaceIds(client: Client, namespace: string): () => Promise<string> {
  let known: Promise<string> | undefined
  const ask = async (): Promise<string> => {
    const { namespaceInfo } = await client.workflowService.describeNamespace({ namespace })
    if (!namespaceInfo?.id) throw new Error(`Temporal does not tell the id of the namespace ${namespace}.`)
    return namespaceInfo.id
  }
  return () => {
    known ??= ask().catch((error: unknown) => {
      known = undefined
      throw error
    })
    return known
  }
}
