import type { RateLimitOptions } from '@fastify/rate-limit'
import { callerOf } from './authentication/plugin.ts'
import { tooMany, unavailable } from './problem.ts'

/** Limits how often one caller asks, on routes that know theirs. */
export function limitPerCaller(max: number): RateLimitOptions {
  return {
    ...limit(max, ''),
    keyGenerator: (request) => callerOf(request).email,
  }
}

/** Limits how often one address asks, on pages that are open to all. */
export function limitPerAddress(max: number): RateLimitOptions {
  return limit(max, ' from one address')
}

function limit(max: number, whose: string): RateLimitOptions {
  return {
    max,
    timeWindow: '1 minute',
    errorResponseBuilder: (_request, { ttl }) =>
      tooMany(`Too many requests: at most ${max} a minute${whose}.`, ttl / 1000),
  }
}

/** Refuses work while the event loop is late. @param delay in milliseconds */
export function refuseWhenBusy(
  _request: unknown,
  _reply: unknown,
  _type: string,
  delay: number | undefined,
): void {
  // Infinity is the plugin's word for 'not measured yet', which is so while the process starts.
  if (delay === Number.POSITIVE_INFINITY) return
  throw unavailable('The gateway is overloaded. Try again shortly.', 5)
}
