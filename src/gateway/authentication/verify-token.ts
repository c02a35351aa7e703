import { errors, type JWTPayload, jwtVerify } from 'jose'
import type { AuthenticationConfig } from '../../config.ts'
import { lowerCase } from '../../email.ts'
import { Problem, unavailable } from '../problem.ts'
import { type KeyFinder, KeysUnavailableError } from './key-set.ts'
import { CLOCK_SKEW_SECONDS, timesFault } from './token-times.ts'

/** Who sent a request. */
export interface Caller {
  /** In lower case. */
  readonly email: string
  /** Sees and acts on the runs of all. */
  readonly isOperator: boolean
}

/** How tokens of a mode are issued. */
export const MODES: Readonly<
  Record<
    AuthenticationConfig['mode'],
    {
      readonly issuer: string[]
      readonly algorithms: string[]
      /** In seconds. */
      readonly lifetime: number
    }
  >
> = {
  // https://developers.google.com/identity/openid-connect/openid-connect#validatinganidtoken
  'id-token': {
    issuer: ['https://accounts.google.com', 'accounts.google.com'],
    algorithms: ['RS256'],
    lifetime: 3600,
  },
  // https://cloud.google.com/iap/docs/signed-headers-howto
  iap: { issuer: ['https://cloud.google.com/iap'], algorithms: ['ES256'], lifetime: 600 },
}

/**
 * Verifies a token, and finds out who sent it.
 * @throws Problem 401 for a token that proves nothing, 403 for a caller who is not on the list, 503 without keys
 */
export async function verifyToken(
  token: string,
  config: AuthenticationConfig,
  findKey: KeyFinder,
): Promise<Caller> {
  const payload = await payloadOf(token, config, findKey)
  const email = payload['email']
  if (typeof email !== 'string' || email === '') {
    throw invalidToken('The token names no e-mail address. Ask for one that includes it.')
  }
  // IAP passes on nobody whose address is not verified, and says nothing about it.
  if (config.mode === 'id-token' && payload['email_verified'] !== true) {
    throw invalidToken('The e-mail address in the token is not verified.')
  }
  const caller = lowerCase(email)
  if (!config.allowedCallers.includes(caller)) {
    throw new Problem(
      403,
      `${caller.slice(0, 254)} may not start or read runs here. Ask the operators of this gateway to add it to its allowed callers.`,
    )
  }
  return { email: caller, isOperator: config.operators.includes(caller) }
}

async function payloadOf(
  token: string,
  config: AuthenticationConfig,
  findKey: KeyFinder,
): Promise<JWTPayload> {
  const { issuer, algorithms, lifetime } = MODES[config.mode]
  try {
    const { payload } = await jwtVerify(token, findKey, {
      issuer,
      algorithms,
      audience: [...config.audiences],
      clockTolerance: CLOCK_SKEW_SECONDS,
      requiredClaims: ['exp', 'iat', 'aud', 'iss'],
    })
    const fault = timesFault(payload, lifetime)
    if (fault !== undefined) throw invalidToken(fault)
    return payload
  } catch (error) {
    if (error instanceof Problem) throw error
    if (error instanceof KeysUnavailableError) {
      throw unavailable('Tokens cannot be verified at the moment. Try again shortly.', 10, error)
    }
    throw invalidToken(complaint(error), error)
  }
}

function complaint(error: unknown): string {
  if (error instanceof errors.JWTExpired) return 'The token has expired. Ask for a new one.'
  if (error instanceof errors.JWTClaimValidationFailed) return claimComplaint(error.claim)
  if (
    error instanceof errors.JWSSignatureVerificationFailed ||
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys
  ) {
    return 'The token is not signed by a key of its issuer.'
  }
  if (error instanceof errors.JOSEAlgNotAllowed || error instanceof errors.JOSENotSupported) {
    return 'The token is signed in a way that is not accepted here.'
  }
  return 'The token is not a signed JSON Web Token.'
}

function claimComplaint(claim: string): string {
  if (claim === 'aud') return 'The token is for another audience.'
  if (claim === 'iss') return 'The token is from another issuer.'
  if (claim === 'nbf' || claim === 'iat') return 'The token is not valid yet. Check the clock of the caller.'
  return `The token lacks a valid claim ${JSON.stringify(claim)}.`
}

/** 401, as RFC 6750 section 3 wants it. */
export function invalidToken(sentence: string, cause?: unknown): Problem {
  return new Problem(401, sentence, {
    headers: {
      'www-authenticate': `Bearer error="invalid_token", error_description="${sentence.replaceAll('"', "'")}"`,
    },
    cause,
  })
}
