import type { WorkflowExecutionDescription } from '@temporalio/client'
import type { Scope } from './scope.ts'
import { callTemporal } from './temporal-call.ts'

/** Marks a request to cancel as the gateway's, whose identity is a caller and not a process. */
export const CANCEL_REASON = 'asked for through the gateway'

/**
 * Who asked through the gateway to cancel a run; nobody when it was not asked, or by other means. Temporal keeps it in the
 * run's history alone, which is read only if there was a cancel.
 */
export async function cancelledBy(
  { client }: Pick<Scope, 'client'>,
  { workflowId, runId, raw }: WorkflowExecutionDescription,
): Promise<string | undefined> {
  if (raw.workflowExtendedInfo?.cancelRequested !== true) return undefined
  let nextPageToken: Uint8Array | null | undefined
  do {
    const token = nextPageToken ?? null
    const page = await callTemporal(client, () =>
      client.workflowService.getWorkflowExecutionHistoryReverse({
        namespace: client.options.namespace,
        execution: { workflowId, runId },
        nextPageToken: token,
      }),
    )
    for (const { workflowExecutionCancelRequestedEventAttributes: request } of page.history?.events ?? []) {
      if (request) return request.cause === CANCEL_REASON ? (request.identity ?? undefined) : undefined
    }
    nextPageToken = page.nextPageToken
  } while (nextPageToken?.length)
  return undefined
}
