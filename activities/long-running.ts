/** How every activity waits for something that runs elsewhere. */

import { ApplicationFailure, CancelledFailure, Context } from '@temporalio/activity'
import type { Polling } from './context.ts'
import { pauseAfter, type Urgency } from './pace.ts'

// A cancel arrives with a heartbeat's reply. The shortest heartbeat timeout is many times this, so lost ones do no harm.
const HEARTBEAT_INTERVAL_MS = 5_000

/**
 * Keeps heartbeating while `body` runs, so that a cancel reaches it and a dead worker is noticed.
 * @throws what `body` throws
 */
export async function heartbeating<T>(body: (note: (details: unknown) => void) => Promise<T>): Promise<T> {
  const context = Context.current()
  let details: unknown
  // The first comes after an interval, since most activities have ended by then, and each costs the server a write.
  const timer = setInterval(() => context.heartbeat(details), HEARTBEAT_INTERVAL_MS)
  try {
    return await body((latest) => {
      details = latest
    })
  } finally {
    clearInterval(timer)
  }
}

/** What {@link pollUntil} needs. */
export interface Poll<T> {
  /** One read; nothing means 'not yet'. */
  read(): Promise<T | undefined>
  readonly polling: Polling
  readonly urgency: Urgency
  /**
   * Called when the run itself was asked to cancel; the poll then goes on until the read says that it has ended.
   * Not called on worker shutdown, timeout, pause or reset: then the activity lets go and leaves what it watches running
   * (P6).
   * @returns false when it cannot be cancelled just now; it is then asked for again after the next read
   */
  cancel?(): Promise<boolean>
}

/**
 * Reads until there is an answer, at the pace that its urgency asks for.
 * @throws CancelledFailure when the activity was cancelled
 */
export async function pollUntil<T>(poll: Poll<T>): Promise<T> {
  const startedAt = Date.now()
  return heartbeating(async () => {
    for (;;) {
      const answer = await poll.read()
      if (answer !== undefined) return answer
      try {
        await pauseFor(pauseAfter(Date.now() - startedAt, poll.urgency, poll.polling))
      } catch (error) {
        await endCancelled(poll, error)
      }
    }
  })
}

/**
 * Ends an activity that goes through many small steps, between two of them, once it was told to stop.
 * @throws CancelledFailure, or a retryable failure when only the worker stops
 */
export function stopIfTold(): void {
  const { cancellationSignal } = Context.current()
  if (cancellationSignal.aborted) throw stopped(cancellationSignal.reason)
}

/** A pause that ends at once, as the activity does, when it is told to stop. */
export async function pauseFor(milliseconds: number): Promise<void> {
  await Context.current()
    .sleep(milliseconds)
    .catch((error: unknown) => {
      throw stopped(error)
    })
}

async function endCancelled<T>(poll: Poll<T>, error: unknown): Promise<never> {
  const details = Context.current().cancellationDetails
  if (!(error instanceof CancelledFailure) || details?.cancelRequested !== true || poll.cancel === undefined)
    throw error
  try {
    let asked = false
    do {
      if (!asked) asked = await poll.cancel()
      await new Promise((resolve) => setTimeout(resolve, poll.polling.minimum))
    } while ((await poll.read()) === undefined)
  } catch (cause) {
    // Still a cancel, not a failure; the end of the cluster, which follows, ends what could not be cancelled.
    Context.current().log.warn('could not cancel, and let go', { cause })
  }
  throw error
}

function stopped(error: unknown): unknown {
  if (Context.current().cancellationDetails?.workerShutdown !== true) return error
  return ApplicationFailure.retryable('The worker shut down; another one goes on.', 'WorkerShutdown')
}
