import { decodeJwt, decodeProtectedHeader } from 'jose'
import type { AuthenticationConfig } from '../../config.ts'
import { lowerCase } from '../../email.ts'
import { CLOCK_SKEW_SECONDS, timesFault } from './token-times.ts'
import { MODES } from './verify-token.ts'

/**
 * Whether a token says that it is an accepted caller's, and good. It proves nothing, for no signature is looked at; it tells
 * cheaply what is not worth a look.
 */
export function isPlausible(token: string, config: AuthenticationConfig): boolean {
  const { algorithms, issuer, lifetime } = MODES[config.mode]
  try {
    const { alg = '' } = decodeProtectedHeader(token)
    const claims = decodeJwt(token)
    const email = claims['email']
    return (
      algorithms.includes(alg) &&
      issuer.includes(claims.iss ?? '') &&
      [claims.aud ?? []].flat().some((audience) => config.audiences.includes(audience)) &&
      typeof email === 'string' &&
      config.allowedCallers.includes(lowerCase(email)) &&
      timesFault(claims, lifetime) === undefined &&
      (claims.exp ?? 0) > Date.now() / 1000 - CLOCK_SKEW_SECONDS
    )
  } catch {
    return false
  }
}
