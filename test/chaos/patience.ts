import { setTimeout as sleep } from 'node:timers/promises'

const TRIES = 40

/** Repeats a look at the world while Temporal is restarting; a refusal is final at once. */
export async function patiently<T>(look: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await look()
    } catch (error) {
      if (tries === TRIES || !isOutage(error)) throw error
      await sleep(250)
    }
  }
}

/** True for what a server that is away, or is coming up, makes clients say. */
export function isOutage(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (
      /UNAVAILABLE|ECONNREFUSED|ECONNRESET|DEADLINE_EXCEEDED|CANCELLED: Call|transport error|worker ended|the worker polls|Namespace .*not found|shard/i.test(
        cause.message,
      )
    )
      return true
  }
  return false
}
