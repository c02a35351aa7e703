import type { JWTPayload } from 'jose'

// Clocks of on-prem hosts drift; a minute is what Google's own libraries allow for.
export const CLOCK_SKEW_SECONDS = 60

/**
 * What is wrong with the times of a token, in one sentence. That it has not expired is checked elsewhere; here, that its
 * issuer would give it: no token is from the future, none lives longer than theirs do.
 * @param lifetime of the issuer's tokens, in seconds
 */
export function timesFault({ iat, exp, nbf }: JWTPayload, lifetime: number, now = Date.now() / 1000) {
  const times = [iat, exp, nbf].filter((time) => time !== undefined)
  if (iat === undefined || exp === undefined || !times.every(isTime)) {
    return 'The token lacks valid times (iat, exp). Ask for a new one.'
  }
  if (iat > now + CLOCK_SKEW_SECONDS || (nbf ?? iat) > now + CLOCK_SKEW_SECONDS) {
    return 'The token is not valid yet. Check the clock of the caller.'
  }
  if (exp <= iat || exp - iat > lifetime + CLOCK_SKEW_SECONDS) {
    return `The token does not expire within ${lifetime / 60} minutes of its issue. Ask for a new one.`
  }
  return undefined
}

function isTime(seconds: number): boolean {
  return Number.isSafeInteger(Math.trunc(seconds)) && seconds >= 0
}
