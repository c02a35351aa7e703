import { randomBytes } from 'node:crypto'
import { type JWTPayload, jwtVerify } from 'jose'
import { idTokenClaims, TOKEN_LIFETIME_SECONDS } from './claims.ts'
import type { KeyRing } from './key-ring.ts'
import type { ServiceAccount } from './service-account.ts'

const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

/** Node's auth library always names this audience, whatever the key file's `token_uri` says. */
const GOOGLE_TOKEN_URL = 'https://oauth2.googleapis.com/token'

/** An OAuth 2.0 refusal (RFC 6749, section 5.2); the server answers it with 400. */
export class OAuthError extends Error {
  readonly code: string

  constructor(code: string, description: string) {
    super(description)
    this.name = 'OAuthError'
    this.code = code
  }
}

/** What the token endpoint needs to know. */
export interface TokenIssuer {
  readonly account: ServiceAccount
  readonly keys: KeyRing
}

/**
 * The JWT-bearer grant (RFC 7523) as Google answers it: an assertion signed by the service account's key is exchanged
 * for an ID token when it names a `target_audience`, for an access token when it names a `scope`.
 * @param tokenUrl the endpoint's own URL, which the assertion must be meant for.
 * @throws OAuthError
 * @see https://developers.google.com/identity/protocols/oauth2/service-account#httprest
 */
export async function grantToken(
  issuer: TokenIssuer,
  form: URLSearchParams,
  tokenUrl: string,
): Promise<object> {
  if (form.get('grant_type') !== JWT_BEARER) {
    throw new OAuthError('unsupported_grant_type', `Invalid grant_type: ${form.get('grant_type') ?? ''}`)
  }
  const claims = await verifyAssertion(issuer.account, form.get('assertion') ?? '', tokenUrl)
  const audience = claims['target_audience']
  if (typeof audience === 'string' && audience !== '') {
    return { id_token: await issuer.keys.sign(idTokenClaims(issuer.account, audience)) }
  }
  if (typeof claims['scope'] !== 'string' || claims['scope'] === '') {
    throw new OAuthError('invalid_scope', 'Invalid OAuth scope or ID token audience provided.')
  }
  return accessToken()
}

/** An opaque access token; the stand-ins do not look at it. */
function accessToken(): { access_token: string; expires_in: number; token_type: string } {
  return {
    access_token: `ya29.${randomBytes(48).toString('base64url')}`,
    expires_in: TOKEN_LIFETIME_SECONDS,
    token_type: 'Bearer',
  }
}

async function verifyAssertion(
  account: ServiceAccount,
  assertion: string,
  tokenUrl: string,
): Promise<JWTPayload> {
  const { payload } = await jwtVerify(assertion, account.publicKey, {
    algorithms: ['RS256'],
    issuer: account.email,
    audience: [tokenUrl, GOOGLE_TOKEN_URL],
    requiredClaims: ['iat', 'exp'],
    clockTolerance: 60,
  }).catch((error: unknown) => {
    throw new OAuthError('invalid_grant', describe(error))
  })
  if ((payload.exp ?? 0) - (payload.iat ?? 0) > TOKEN_LIFETIME_SECONDS) {
    throw new OAuthError(
      'invalid_grant',
      'Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim.',
    )
  }
  return payload
}

function describe(error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
  if (code === 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED') return 'Invalid JWT Signature.'
  return `Invalid JWT: ${error instanceof Error ? error.message : 'it cannot be read.'}`
}
