import { STATUS_CODES } from 'node:http'

/** What a problem may carry besides its sentence. */
export interface ProblemOptions {
  /** Members of the reply beyond those of RFC 9457, in snake case. */
  readonly extensions?: Readonly<Record<string, unknown>>
  readonly headers?: Readonly<Record<string, string>>
  readonly cause?: unknown
}

/**
 * A request that is not fulfilled, as the caller will see it. `message` is one sentence for the caller: what is wrong, and
 * what to do. The routes give it the shape of their API; the native one is RFC 9457's.
 */
export class Problem extends Error {
  override readonly name = 'Problem'
  readonly status: number
  readonly extensions: Readonly<Record<string, unknown>>
  readonly headers: Readonly<Record<string, string>>

  constructor(status: number, message: string, options: ProblemOptions = {}) {
    super(message, { cause: options.cause })
    this.status = status
    this.extensions = options.extensions ?? {}
    this.headers = options.headers ?? {}
  }

  /** The status in words, which is what RFC 9457 asks of a problem whose type is `about:blank`. */
  get title(): string {
    return STATUS_CODES[this.status] ?? 'Error'
  }
}

/** A caller asks too often or too much at once: 429 with Retry-After. */
export function tooMany(message: string, retryAfterSeconds: number, cause?: unknown): Problem {
  const seconds = Math.max(1, Math.ceil(retryAfterSeconds))
  return new Problem(429, `${message} Try again in ${seconds} s.`, {
    headers: { 'retry-after': String(seconds) },
    cause,
  })
}

/** A problem that a later attempt may not meet: 503 with Retry-After. */
export function unavailable(message: string, retryAfterSeconds: number, cause?: unknown): Problem {
  return new Problem(503, message, { headers: { 'retry-after': String(retryAfterSeconds) }, cause })
}
