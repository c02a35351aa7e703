import { createPublicKey, type JsonWebKey } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { GoogleAuth, JWT, OAuth2Client } from 'google-auth-library'
import { createRemoteJWKSet, importPKCS8, type JWTPayload, jwtVerify, SignJWT } from 'jose'
import { Control } from '../support/control.ts'
import { startCloud, type TestCloud } from '../support/local-cloud.ts'
import { runPython } from '../support/python.ts'

const AUDIENCE = 'an-audience'
const TRIGGER = 'on-prem-trigger@local-project.iam.gserviceaccount.com'

interface KeyFile {
  readonly client_email: string
  readonly private_key: string
  readonly token_uri: string
}

let cloud: TestCloud
let control: Control
let keyFile: KeyFile

beforeAll(async () => {
  cloud = await startCloud({ services: ['identity'] })
  control = new Control(cloud.get('IDENTITY_CONTROL_URL'))
  keyFile = JSON.parse(readFileSync(cloud.get('GOOGLE_APPLICATION_CREDENTIALS'), 'utf8'))
})
afterAll(() => cloud.close())
beforeEach(() => control.clear())

/** Verifies as the gateway does: by the published keys, without a memory of older ones. */
async function verified(token: string, issuer = 'https://accounts.google.com'): Promise<JWTPayload> {
  const iap = issuer.endsWith('/iap')
  const keys = createRemoteJWKSet(new URL(cloud.get(iap ? 'IAP_JWKS_URL' : 'GOOGLE_JWKS_URL')))
  return (await jwtVerify(token, keys, { issuer, algorithms: [iap ? 'ES256' : 'RS256'] })).payload
}

/** An assertion as RFC 7523 has it, with what a test wants different. */
async function assertion(claims: JWTPayload, key = keyFile.private_key): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  const usual = { iss: keyFile.client_email, aud: keyFile.token_uri, iat: now, exp: now + 3600 }
  return new SignJWT({ ...usual, ...claims })
    .setProtectedHeader({ alg: 'RS256' })
    .sign(await importPKCS8(key, 'RS256'))
}

async function exchange(
  form: Record<string, string>,
): Promise<{ status: number; body: Record<string, string> }> {
  const response = await fetch(keyFile.token_uri, { method: 'POST', body: new URLSearchParams(form) })
  return { status: response.status, body: JSON.parse(await response.text()) }
}

function pemOf(key: JsonWebKey): string {
  return createPublicKey({ key, format: 'jwk' }).export({ type: 'spki', format: 'pem' }).toString()
}

const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

describe('the token endpoint', () => {
  test("gives Python's google-auth an ID token from the key file alone", async () => {
    const token = await runPython(
      [
        'from google.oauth2 import service_account',
        'from google.auth.transport.requests import Request',
        'credentials = service_account.IDTokenCredentials.from_service_account_file(',
        `  "${cloud.get('GOOGLE_APPLICATION_CREDENTIALS')}", target_audience="${AUDIENCE}")`,
        'credentials.refresh(Request())',
        'print(credentials.token)',
      ].join('\n'),
    )
    const claims = await verified(token.trim())
    expect(claims).toMatchObject({ aud: AUDIENCE, email: TRIGGER, email_verified: true, azp: TRIGGER })
    expect((claims.exp ?? 0) - (claims.iat ?? 0)).toBe(3600)
  })

  test("gives Node's google-auth-library one when its fixed address is sent to the key file's", async () => {
    const source = new JWT({ email: keyFile.client_email, key: keyFile.private_key })
    source.transporter.interceptors.request.add({
      resolved: async (config) => ({ ...config, url: new URL(keyFile.token_uri) }),
    })
    const client = await new GoogleAuth({ authClient: source }).getIdTokenClient(AUDIENCE)
    const token = await client.idTokenProvider.fetchIdToken(AUDIENCE)
    expect(await verified(token)).toMatchObject({ aud: AUDIENCE, email: TRIGGER })
  })

  test("gives a token that Google's own verifier accepts", async () => {
    const { body } = await exchange({
      grant_type: GRANT,
      assertion: await assertion({ target_audience: AUDIENCE }),
    })
    const response = await fetch(cloud.get('GOOGLE_JWKS_URL'))
    const { keys }: { keys: (JsonWebKey & { kid: string })[] } = JSON.parse(await response.text())
    const certificates = Object.fromEntries(keys.map((key) => [key.kid, pemOf(key)]))
    const verifier = new OAuth2Client()
    const ticket = await verifier.verifySignedJwtWithCertsAsync(
      body['id_token'] ?? '',
      certificates,
      AUDIENCE,
      ['https://accounts.google.com'],
    )
    expect(ticket.getPayload()?.email).toBe(TRIGGER)
  })

  test('gives an access token for a scope', async () => {
    const scope = 'https://www.googleapis.com/auth/cloud-platform'
    const { status, body } = await exchange({ grant_type: GRANT, assertion: await assertion({ scope }) })
    expect(status).toBe(200)
    expect(body).toMatchObject({ token_type: 'Bearer', expires_in: 3600 })
  })

  test.each<[string, JWTPayload, string]>([
    ['of another issuer', { iss: 'somebody@else.example', target_audience: AUDIENCE }, 'invalid_grant'],
    [
      'meant for another endpoint',
      { aud: 'https://else.example/token', target_audience: AUDIENCE },
      'invalid_grant',
    ],
    ['that has expired', { iat: 1, exp: 3601, target_audience: AUDIENCE }, 'invalid_grant'],
    [
      'that lives too long',
      { exp: Math.floor(Date.now() / 1000) + 90_000, target_audience: AUDIENCE },
      'invalid_grant',
    ],
    ['that asks for nothing', {}, 'invalid_scope'],
  ])('refuses an assertion %s', async (_what, claims, error) => {
    const { status, body } = await exchange({ grant_type: GRANT, assertion: await assertion(claims) })
    expect([status, body['error']]).toEqual([400, error])
  })

  test('refuses a foreign signature, garbage and another grant', async () => {
    const genuine = await assertion({ target_audience: AUDIENCE })
    const forged = `${genuine.slice(0, -20)}${'A'.repeat(20)}`
    for (const text of [forged, 'garbage', '']) {
      expect((await exchange({ grant_type: GRANT, assertion: text })).body['error']).toBe('invalid_grant')
    }
    expect((await exchange({ grant_type: 'password' })).body['error']).toBe('unsupported_grant_type')
  })
})

test('Only its owner may read the key file', () => {
  expect(statSync(cloud.get('GOOGLE_APPLICATION_CREDENTIALS')).mode & 0o777).toBe(0o600)
})

describe('minting on demand', () => {
  test('gives ID tokens and IAP assertions with the claims asked for', async () => {
    const { token = '' } = await control.post('/mint', {
      kind: 'google',
      claims: { email: 'x@example.com', azp: null },
    })
    const claims = await verified(token)
    expect(claims).toMatchObject({ email: 'x@example.com' })
    expect(claims).not.toHaveProperty('azp')
    const iap = await control.post('/mint', { kind: 'iap', claims: { aud: '/projects/1/apps/x' } })
    expect(await verified(iap['token'] ?? '', 'https://cloud.google.com/iap')).toMatchObject({
      aud: '/projects/1/apps/x',
    })
  })

  test('gives expired ones and ones signed by a foreign key', async () => {
    const expired = await control.post('/mint', { kind: 'google', expiresInSeconds: -60 })
    await expect(verified(expired['token'] ?? '')).rejects.toMatchObject({ code: 'ERR_JWT_EXPIRED' })
    const foreign = await control.post('/mint', { kind: 'google', key: 'foreign' })
    await expect(verified(foreign['token'] ?? '')).rejects.toMatchObject({
      code: 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED',
    })
  })
})

test('After a rotation new tokens carry a new key; old ones hold until the old key is withdrawn', async () => {
  const { token: old = '' } = await control.post('/mint', { kind: 'google' })
  await control.post('/rotate', { kind: 'google' })
  const { token: renewed = '' } = await control.post('/mint', { kind: 'google' })
  await verified(old)
  await verified(renewed)
  await control.post('/rotate', { kind: 'google', withdrawOld: true })
  await expect(verified(old)).rejects.toMatchObject({ code: 'ERR_JWKS_NO_MATCHING_KEY' })
})

test('An outage fails every call until it is over', async () => {
  await control.post('/outage', { kind: 'error' })
  expect((await fetch(cloud.get('GOOGLE_JWKS_URL'))).status).toBe(503)
  await control.post('/outage', { kind: 'drop' })
  await expect(fetch(cloud.get('IAP_JWKS_URL'))).rejects.toThrow()
  await control.delete('/outage')
  expect((await fetch(cloud.get('GOOGLE_JWKS_URL'))).status).toBe(200)
})
