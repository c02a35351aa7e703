/** From what an activity threw to the failure that the run ends with: one named type, one sentence. */

import {
  ActivityFailure,
  ApplicationFailure,
  isCancellation,
  TemporalFailure,
  TimeoutFailure,
} from '@temporalio/workflow'
import { FAILURES, type FailureDetails, type FailureType, type StepName } from './contract.ts'

const TIMED_OUT: Partial<Record<StepName, FailureType>> = {
  createCluster: 'ClusterCreationTimedOut',
  runSparkJob: 'SparkJobTimedOut',
}

/** The named failure behind an error that an activity or the workflow threw. */
export interface Named {
  readonly type: FailureType
  readonly message: string
}

/** Names an error. What nobody has named is `Internal`, so that the run fails, and cleans up, instead of hanging. */
export function nameOf(error: unknown, step: StepName): Named {
  const cause = error instanceof ActivityFailure ? error.cause : error
  if (cause instanceof TimeoutFailure) {
    return { type: TIMED_OUT[step] ?? 'StepTimedOut', message: timeoutSentence(cause, step) }
  }
  if (cause instanceof ApplicationFailure && cause.type != null && cause.type in FAILURES) {
    return { type: cause.type as FailureType, message: cause.message }
  }
  return { type: 'Internal', message: sentenceOf(error) }
}

/** The failure that ends the run: the original one's type and sentence, with the run's details (P11). */
export function runFailure(error: unknown, details: FailureDetails): Error {
  if (isCancellation(error) && error instanceof TemporalFailure) return error
  const { type, message } = nameOf(error, details.step)
  return ApplicationFailure.create({
    type,
    message,
    nonRetryable: true,
    details: [details],
    ...(error instanceof Error && { cause: error }),
  })
}

/** The innermost message of an error, which is the one that says what happened. */
export function sentenceOf(error: unknown): string {
  let current: unknown = error
  while (current instanceof TemporalFailure && current.cause !== undefined) current = current.cause
  return current instanceof Error ? current.message : String(current)
}

function timeoutSentence(timeout: TimeoutFailure, step: StepName): string {
  const last = timeout.cause instanceof Error ? ` The last error was: ${sentenceOf(timeout.cause)}` : ''
  return `The step ${step} did not end within its deadline.${last}`
}
