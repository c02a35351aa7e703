import { attemptOf } from './attempt-names.ts'
import type { FailureType } from './contract.ts'
import type { Attempt, Prepared } from './run-types.ts'

/** Where the loop over attempts stands. */
export interface Attempts {
  readonly current: Attempt
  /** Attempts that failed for another reason than a zone without stock. */
  readonly failed: number
  /** Zones that are still untried. */
  readonly zones: readonly string[]
}

/** One that failed may be followed by one more: a second failure of the same kind is no accident. */
const MAX_FAILED = 1

/**
 * A cluster that is lost with its output says nothing about the batch, so a new one may well do. Nor do files that are
 * missing: after a reset they may be in the failed path, or archived, and the next attempt looks for them first.
 */
const WORTH_ANOTHER: readonly FailureType[] = [
  'ClusterGone',
  'OutputGone',
  'ClusterCreationFailed',
  'RawFilesMissing',
]

/** @param uuid drawn by the workflow, so that replay keeps it and a reset to before it renews it */
export function firstAttempt(prepared: Prepared, uuid: string): Attempts {
  const [zone, ...zones] = prepared.zones
  return { current: attemptOf(prepared.plan, 1, keyOf(uuid), zone), failed: 0, zones }
}

/** The attempt that follows a failure, or nothing when the failure is final. */
export function nextAttempt(
  attempts: Attempts,
  failure: FailureType,
  prepared: Prepared,
  drawUuid: () => string,
): Attempts | undefined {
  const number = attempts.current.number + 1
  if (failure === 'Stockout') {
    const [zone, ...zones] = attempts.zones
    if (zone === undefined) return undefined
    return {
      current: attemptOf(prepared.plan, number, keyOf(drawUuid()), zone),
      failed: attempts.failed,
      zones,
    }
  }
  // A reset has brought back a slot that was given up since; the next attempt waits for one of its own.
  if (failure === 'ClusterSlotLost') {
    return {
      ...attempts,
      current: attemptOf(prepared.plan, number, keyOf(drawUuid()), attempts.current.zone),
    }
  }
  if (!WORTH_ANOTHER.includes(failure) || attempts.failed >= MAX_FAILED) return undefined
  return {
    current: attemptOf(prepared.plan, number, keyOf(drawUuid()), attempts.current.zone),
    failed: attempts.failed + 1,
    zones: attempts.zones,
  }
}

function keyOf(uuid: string): string {
  return uuid.replaceAll('-', '')
}
