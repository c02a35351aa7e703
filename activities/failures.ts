/** The one translator from what Google's clients throw to a failure that the workflow, and a reader, can tell apart. */

import { ApplicationFailure, CancelledFailure } from '@temporalio/activity'
import type { FailureType } from '../workflows/contract.ts'
import { reasonOf, refusalOf } from './refusals.ts'

interface Translation {
  readonly type: FailureType
  readonly retryable: boolean
  /** What to do about it, where its type alone does not tell. */
  readonly remedy?: string
}

const retryable = (type: FailureType): Translation => ({ type, retryable: true })
const final = (type: FailureType): Translation => ({ type, retryable: false })

// https://grpc.io/docs/guides/status-codes/
const GRPC: Readonly<Record<number, Translation>> = {
  3: final('InvalidRequest'),
  5: final('NotFound'),
  7: final('PermissionDenied'),
  8: retryable('QuotaExceeded'),
  9: final('InvalidRequest'),
  11: final('InvalidRequest'),
  12: final('InvalidRequest'),
  16: final('PermissionDenied'),
}

// https://cloud.google.com/storage/docs/json_api/v1/status-codes, https://cloud.google.com/bigquery/docs/error-messages
const HTTP: Readonly<Record<number, Translation>> = {
  400: final('InvalidRequest'),
  401: final('PermissionDenied'),
  403: final('PermissionDenied'),
  404: final('NotFound'),
  409: retryable('StorageConflict'),
  412: retryable('StorageConflict'),
  429: retryable('QuotaExceeded'),
}

// The statuses of a request that was understood and refused, of gRPC and HTTP; the token endpoint sends 400.
const REFUSED = new Set([3, 7, 9, 16, 400, 401, 403])

// What to do about a failure of a type, where its own sentence does not say. The raw files are where they were.
const ADVICE: Partial<Record<FailureType, string>> = {
  PermissionDenied: "Grant the worker's service account what is missing, then retry the run.",
  NotFound: 'Create what is missing, or correct the setting that names it, then retry the run.',
  InvalidRequest: "Correct the worker's settings, then retry the run.",
  QuotaExceeded: 'Free some of the quota or ask for more, then retry the run.',
  Stockout: 'Retry the run later, or let CLUSTER_ZONES name more zones.',
  Unavailable: 'Retry the run once the service answers again.',
  ClusterCreationFailed: 'Fix the cause, then retry the run.',
  ClusterGone: 'Retry the run; it gets a new cluster.',
  ClusterSlotLost: 'Retry the run; it gets in line anew.',
  ForeignCluster: 'Retry the run; it gets a new name.',
  SparkScriptChanged: 'Run average-speed setup, then retry the run.',
  SchemaMismatch:
    'Give the table the columns that the run writes, or name another output table, then retry the run.',
  LoadFailed: 'Fix the cause, then retry the run.',
  NoteUnreadable:
    'Restore it from an earlier version, or delete it once you know who wrote it, then retry the run.',
}

/** A failure of a named type that is not retried within the run. */
export function failure(type: FailureType, message: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(advised(type, message), type)
}

/** The same, but worth another try of the activity. */
export function passingFailure(type: FailureType, message: string): ApplicationFailure {
  return ApplicationFailure.retryable(advised(type, message), type)
}

/**
 * The failure for what is refused whatever was granted, such as an object under a hold.
 * @returns nothing when the reason and the message tell of something else
 */
export function refusalFailure(reason: string | undefined, message: string): ApplicationFailure | undefined {
  const refusal = refusalOf(reason, message)
  return (
    refusal && ApplicationFailure.nonRetryable(advised(refusal.type, message, refusal.remedy), refusal.type)
  )
}

function advised(type: FailureType, message: string, advice = ADVICE[type]): string {
  const text = advice === undefined ? message : `${message}${/[.!?]$/.test(message) ? '' : '.'} ${advice}`
  // JSON can hold half a character, which has no UTF-8 form: it would end the worker that hands the failure to Temporal.
  return text.toWellFormed()
}

/**
 * Makes one call and translates what it throws.
 * @param doing completes the sentence 'Could not …', as in 'create the cluster x'
 * @throws ApplicationFailure
 */
export async function attempting<T>(doing: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    throw translate(error, doing)
  }
}

/** The status of an error: gRPC's (1 to 16), or HTTP's (from 400 on). */
export function statusOf(error: unknown): number | undefined {
  const code = (error as { readonly code?: unknown } | null)?.code
  return typeof code === 'number' ? code : undefined
}

/** True for what may well go away by itself, such as a server error or a rate limit; never for a failure of ours. */
export function isPassing(error: unknown): boolean {
  if (error instanceof ApplicationFailure || error instanceof CancelledFailure) return false
  return translationOf(error).retryable
}

/** True for both of Google's ways to say that something does not exist. */
export function isNotFound(error: unknown): boolean {
  return statusOf(error) === 5 || statusOf(error) === 404
}

/** True for gRPC's ALREADY_EXISTS, and for BigQuery's answer to a job id that was used before. */
export function isAlreadyExists(error: unknown): boolean {
  return statusOf(error) === 6 || statusOf(error) === 409
}

/** True when a precondition on a Cloud Storage object did not hold. */
export function isPreconditionFailed(error: unknown): boolean {
  return statusOf(error) === 412
}

/** True when an object may be neither replaced nor deleted now, by a hold or by its bucket's retention policy. */
export function isKept(error: unknown): boolean {
  return statusOf(error) === 403 && refusalOf(reasonOf(error), messageOf(error))?.type === 'ObjectHeld'
}

/**
 * True for Compute Engine's words for a zone without machines:
 * https://cloud.google.com/compute/docs/troubleshooting/troubleshooting-resource-availability
 */
export function isStockout(message: string): boolean {
  return /ZONE_RESOURCE_POOL_EXHAUSTED|does not have enough resources|stockout/i.test(message)
}

function translate(error: unknown, doing: string): Error {
  if (error instanceof ApplicationFailure || error instanceof CancelledFailure) return error
  const { type, retryable: mayRetry, remedy } = translationOf(error)
  const message = advised(type, `Could not ${doing}: ${messageOf(error)}`, remedy)
  return ApplicationFailure.create({
    type,
    message,
    nonRetryable: !mayRetry,
    ...(error instanceof Error && { cause: wellFormed(error) }),
  })
}

/** An error whose words can be stored; see {@link advised}. */
function wellFormed(error: Error): Error {
  const { message, stack = '' } = error
  if (message.isWellFormed() && stack.isWellFormed() && error.cause === undefined) return error
  const copy = new Error(message.toWellFormed())
  copy.stack = stack.toWellFormed()
  return copy
}

function translationOf(error: unknown): Translation {
  const status = statusOf(error)
  const text = messageOf(error)
  if (isStockout(text)) return final('Stockout')
  // Dataproc reports a lack of quota for the cluster as a request that is wrong; waiting a minute does not mend that.
  if (/insufficient .*quota/i.test(text)) return final('QuotaExceeded')
  // BigQuery and Cloud Storage send rates and quotas as 403, with a reason of their own.
  const reason = reasonOf(error)
  if (reason === 'rateLimitExceeded' || reason === 'userRateLimitExceeded' || reason === 'quotaExceeded') {
    return retryable('QuotaExceeded')
  }
  if (status !== undefined && REFUSED.has(status)) {
    const refusal = refusalOf(reason, text)
    if (refusal !== undefined) return { ...refusal, retryable: false }
  }
  if (status !== undefined && status < 17) return GRPC[status] ?? retryable('Unavailable')
  if (status !== undefined && HTTP[status]) return HTTP[status]
  // Server errors, and network errors, whose code is a word such as ECONNRESET.
  if (status !== undefined || typeof (error as { readonly code?: unknown } | null)?.code === 'string') {
    return retryable('Unavailable')
  }
  // A mistake of ours is the same the next time.
  if (error instanceof TypeError || error instanceof RangeError || error instanceof SyntaxError)
    return final('Internal')
  return retryable('Internal')
}

/** Google's message without the status code that gRPC puts before it; it can be long. */
export function messageOf(error: unknown): string {
  const raw = error instanceof Error ? error.message : String(error)
  const text = raw.replace(/^\d+ [A-Z_]+: /, '').trim()
  return text.length > 1000 ? `${text.slice(0, 1000)}…` : text
}
