import type { Client } from '@temporalio/client'
import { callTemporal } from './temporal-call.ts'

/** Longest wait for the answer, in milliseconds: a probe gives up soon after. */
const DEADLINE_MS = 2_000

/**
 * Makes a check that asks Temporal for our namespace. Checks at the same moment share one question, for anybody may ask.
 * @throws Problem 503 (from the check) when Temporal does not answer in time
 */
export function readinessCheck(client: Client): () => Promise<void> {
  let pending: Promise<void> | undefined
  return () => {
    pending ??= ask(client).finally(() => {
      pending = undefined
    })
    return pending
  }
}

async function ask(client: Client): Promise<void> {
  const namespace = client.options.namespace
  await callTemporal(client, () => client.workflowService.describeNamespace({ namespace }), DEADLINE_MS)
}
