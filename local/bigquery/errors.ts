/** Reasons of BigQuery's errors that this stand-in gives. */
export type Reason =
  | 'accessDenied'
  | 'backendError'
  | 'conditionNotMet'
  | 'duplicate'
  | 'internalError'
  | 'invalid'
  | 'invalidQuery'
  | 'notFound'
  | 'quotaExceeded'
  | 'rateLimitExceeded'
  | 'resourceInUse'
  | 'stopped'

/**
 * One entry of a job's `status.errors`.
 * @see https://cloud.google.com/bigquery/docs/reference/rest/v2/ErrorProto
 */
export interface ErrorProto {
  readonly reason: string
  readonly message: string
  /** What was wrong: a `gs://` URI, or `query`. */
  readonly location?: string
}

/** A refusal in BigQuery's words; ends a call with an HTTP error, or a job with an `errorResult`. */
export class BigQueryError extends Error implements ErrorProto {
  readonly reason: string
  readonly location?: string
  /** All that a job reports, the first being this one; more than one only for bad records. */
  readonly details: readonly ErrorProto[]

  constructor(reason: Reason, message: string, location?: string, details?: readonly ErrorProto[]) {
    super(message)
    this.reason = reason
    if (location !== undefined) this.location = location
    this.details = details ?? [errorProto(this)]
  }
}

/** An error without what is only ours. */
export function errorProto({ reason, message, location }: ErrorProto): ErrorProto {
  return { reason, ...(location !== undefined && { location }), message }
}

/** https://cloud.google.com/bigquery/docs/error-messages; 499 is what clients see of a cancelled query. */
const HTTP_STATUS: Readonly<Record<string, number>> = {
  accessDenied: 403,
  backendError: 503,
  badGateway: 502,
  conditionNotMet: 412,
  duplicate: 409,
  internalError: 500,
  jobBackendError: 400,
  jobInternalError: 400,
  notFound: 404,
  quotaExceeded: 403,
  rateLimitExceeded: 403,
  stopped: 499,
}

/** The HTTP status that goes with a reason; 400 for any that is not known. */
export function httpStatusOf(reason: string): number {
  return HTTP_STATUS[reason] ?? 400
}

/** https://cloud.google.com/apis/design/errors#handling_errors */
const CANONICAL: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  409: 'ALREADY_EXISTS',
  412: 'FAILED_PRECONDITION',
  429: 'RESOURCE_EXHAUSTED',
  499: 'CANCELLED',
  500: 'INTERNAL',
  501: 'UNIMPLEMENTED',
  503: 'UNAVAILABLE',
}

/** The body of an HTTP error, as every Google API of this age words it. */
export function errorBody(code: number, { reason, message, location }: ErrorProto): unknown {
  const where = location === undefined ? {} : { location, locationType: 'other' }
  const error = { message, domain: 'global', reason, ...where }
  return { error: { code, message, errors: [error], status: CANONICAL[code] ?? 'UNKNOWN' } }
}

/** The reason that stands for an HTTP status when a fault names none. */
export function reasonOf(status: number): string {
  if (status === 429) return 'rateLimitExceeded'
  const found = Object.entries(HTTP_STATUS).find(([, code]) => code === status)
  return found?.[0] ?? 'invalid'
}
