import { type Client, defaultPayloadConverter, type WorkflowExecutionDescription } from '@temporalio/client'
import type { AverageSpeedInput } from '../../../workflows/contract.ts'
import { factsOf, inputInMemo } from './summary.ts'
import { callTemporal } from './temporal-call.ts'

/** What a run was asked to do: as the starter noted it or, for one started by hand, as its history begins. */
export async function inputOf(
  client: Client,
  description: WorkflowExecutionDescription,
): Promise<AverageSpeedInput> {
  return inputInMemo(factsOf(description)) ?? (await inputInHistory(client, description))
}

async function inputInHistory(
  client: Client,
  { workflowId, runId }: WorkflowExecutionDescription,
): Promise<AverageSpeedInput> {
  const response = await callTemporal(client, () =>
    client.workflowService.getWorkflowExecutionHistory({
      namespace: client.options.namespace,
      execution: { workflowId, runId },
      maximumPageSize: 1,
    }),
  )
  const started = response.history?.events?.[0]?.workflowExecutionStartedEventAttributes
  const [payload] = started?.input?.payloads ?? []
  const input: unknown = payload && defaultPayloadConverter.fromPayload(payload)
  return typeof input === 'object' && input !== null ? (input as AverageSpeedInput) : { rawPath: '' }
}
