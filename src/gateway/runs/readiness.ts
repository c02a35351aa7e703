import type { Client } from '@temporalio/client'
import { callTemporal } from './temporal-call.ts'

/** Longest wait for the answer, in milliseconds: a probe gives up soon after. */
const DEADLINE_MS = 2_000

/** How long an answer holds, in milliseconds: probes, and whoever else asks, cost Temporal one question a second. */
const HOLDS_MS = 1_000

/**
 * Makes a check that asks Temporal for our namespace. All checks within a second share one question and its answer, for
 * anybody may ask.
 * @throws Problem 503 (from the check) when Temporal does not answer in time
 */
export function readinessCheck(client: Client, holdsMs = HOLDS_MS): () => Promise<void> {
  let answer: Promise<void> | undefined
  return () => {
    answer ??= askOnce()
    return answer
  }

  function askOnce(): Promise<void> {
    const asked = ask(client)
    const forget = (): void => {
      setTimeout(() => {
        answer = undefined
      }, holdsMs).unref()
    }
    asked.then(forget, forget)
    return asked
  }
}

async function ask(client: Client): Promise<void> {
  const namespace = client.options.namespace
  await callTemporal(client, () => client.workflowService.describeNamespace({ namespace }), DEADLINE_MS)
}
