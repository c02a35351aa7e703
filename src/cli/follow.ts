import { setTimeout as sleep } from 'node:timers/promises'
import { isOngoing, type RunJson } from '../gateway/schemas/run.ts'
import { CliError, EXIT } from './exit-codes.ts'
import type { Gateway } from './gateway-client.ts'

/** How a run is followed. */
export interface FollowOptions {
  /** Milliseconds; none means until the run ends. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

// Fast while somebody watches a short run, slow for the long ones: a cluster takes minutes to come up.
const FAST_MS = 1_000
const SLOW_MS = 5_000
const FAST_PHASE_MS = 3 * 60_000

/**
 * Reads a run again and again until it has ended; the last one that it gives is the ended one.
 * @throws CliError when the time is over or the gateway stays away
 */
export async function* follow(
  gateway: Pick<Gateway, 'get'>,
  runId: string,
  { timeoutMs = Number.POSITIVE_INFINITY, signal }: FollowOptions = {},
): AsyncGenerator<RunJson> {
  const begun = Date.now()
  for (;;) {
    const run = await gateway.get(runId)
    yield run
    if (!isOngoing(run.status)) return
    const waited = Date.now() - begun
    if (waited >= timeoutMs) {
      throw new CliError(
        EXIT.unreachable,
        `The run has not ended within ${Math.round(timeoutMs / 60_000)} minutes. It goes on; look again with: average-speed watch ${runId}`,
      )
    }
    const pause = waited < FAST_PHASE_MS ? FAST_MS : SLOW_MS
    await sleep(Math.min(pause, timeoutMs - waited), undefined, signal && { signal })
  }
}
