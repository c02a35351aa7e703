import type { JWTPayload } from 'jose'

/** Google's ID tokens and access tokens live an hour. */
export const TOKEN_LIFETIME_SECONDS = 3600

/** Whose token it is. */
export interface Subject {
  readonly email: string
  readonly uniqueId: string
}

/**
 * The claims of an ID token for a service account.
 * @see https://cloud.google.com/docs/authentication/token-types#id
 */
export function idTokenClaims(subject: Subject, audience: string): JWTPayload {
  return {
    iss: 'https://accounts.google.com',
    aud: audience,
    azp: subject.email,
    email: subject.email,
    email_verified: true,
    sub: subject.uniqueId,
    ...lifetime(TOKEN_LIFETIME_SECONDS),
  }
}

/**
 * The claims of the assertion that Identity-Aware Proxy puts before a request; it lives ten minutes.
 * @see https://cloud.google.com/iap/docs/signed-headers-howto
 */
export function iapClaims(subject: Subject, audience: string): JWTPayload {
  return {
    iss: 'https://cloud.google.com/iap',
    aud: audience,
    email: subject.email,
    sub: `accounts.google.com:${subject.uniqueId}`,
    ...lifetime(600),
  }
}

/** `iat` and `exp`, in seconds; a negative lifetime gives a token that expired that long ago. */
export function lifetime(seconds: number): { iat: number; exp: number } {
  const now = Math.floor(Date.now() / 1000)
  const iat = seconds > 0 ? now : now + seconds - TOKEN_LIFETIME_SECONDS
  return { iat, exp: now + seconds }
}
