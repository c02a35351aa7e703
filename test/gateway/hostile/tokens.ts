import { createHmac, type KeyObject, sign } from 'node:crypto'
import fc from 'fast-check'
import type { RawRequest } from '../support/raw-http.ts'
import { type Attack, postJson, STARTS } from './attack.ts'

/** What an attacker has: all that is public, a key of its own, and a token that was valid for somebody else's purpose. */
export interface TokenKit {
  /** Key id of the issuer's key. */
  readonly keyId: string
  /** Signs as the issuer would; only for claims that must be refused. */
  readonly issuerKey: KeyObject
  readonly attackerKey: KeyObject
  /** Every form in which the issuer's public key is known. */
  readonly publicKeyForms: readonly (string | Buffer)[]
  readonly attackerJwk: object
  /** A token that is valid in all respects. */
  readonly goodToken: string
  /** Claims of such a token. */
  readonly goodClaims: Readonly<Record<string, unknown>>
}

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

function signed(header: object, claims: object, key: KeyObject): string {
  const content = `${encode(header)}.${encode(claims)}`
  return `${content}.${sign('sha256', Buffer.from(content), key).toString('base64url')}`
}

/** Tokens that prove nothing. */
function badTokens(kit: TokenKit): fc.Arbitrary<string> {
  const { goodClaims, keyId, issuerKey, attackerKey } = kit
  const now = Math.floor(Date.now() / 1000)
  const header = { alg: 'RS256', kid: keyId, typ: 'JWT' }

  const withoutSignature = fc
    .tuple(
      fc.constantFrom('none', 'None', 'NONE', 'nOnE', '', null, 'RS256'),
      fc.constantFrom('', 'AA', '.', 'x'.repeat(342)),
    )
    .map(([alg, signature]) => `${encode({ ...header, alg })}.${encode(goodClaims)}.${signature}`)

  const symmetric = fc
    .tuple(
      fc.constantFrom(
        ['HS256', 'sha256'] as const,
        ['HS384', 'sha384'] as const,
        ['HS512', 'sha512'] as const,
      ),
      fc.constantFrom(...kit.publicKeyForms),
    )
    .map(([[alg, hash], secret]) => {
      const content = `${encode({ ...header, alg })}.${encode(goodClaims)}`
      return `${content}.${createHmac(hash, secret).update(content).digest('base64url')}`
    })

  const wrongClaim = fc
    .oneof(
      fc
        .constantFrom<unknown>(
          '',
          'other',
          'test-client-id ',
          'TEST-CLIENT-ID',
          'test-client-i',
          ['other'],
          [],
          {},
          null,
          5,
        )
        .map((aud) => ({ aud })),
      fc
        .constantFrom<unknown>(
          ...[
            '',
            'https://accounts.google.com/',
            'http://accounts.google.com',
            'https://evil.example',
            null,
            5,
          ],
          ...[
            'https://accounts.google.com.evil.example',
            'https://cloud.google.com/iap',
            ['https://accounts.google.com'],
          ],
        )
        .map((iss) => ({ iss })),
      fc
        .oneof(
          fc.integer({ min: 0, max: now - 120 }),
          fc.constantFrom<unknown>(null, '9999999999', -1, {}, true),
        )
        .map((exp) => ({ exp })),
      fc.integer({ min: now + 600, max: now + 10 ** 9 }).map((nbf) => ({ nbf })),
      fc.constantFrom<unknown>(null, 'now', {}).map((iat) => ({ iat })),
      fc
        .constantFrom<unknown>(
          ...[
            '',
            'mallory@example.com',
            'caller@example.com.evil.example',
            'xcaller@example.com',
            ' caller@example.com',
          ],
          ...[
            'caller@example.com\0',
            'caller@example.com,mallory@example.com',
            'caller@exam\u212Ale.com',
            5,
            {},
          ],
          ...[
            ['caller@example.com'],
            null,
            'caller%40example.com',
            'ｃaller@example.com',
            'caller@example.com\n',
          ],
        )
        .map((email) => ({ email })),
      fc.constantFrom<unknown>(false, 'true', 1, null, {}).map((email_verified) => ({ email_verified })),
    )
    .map((claims) => signed(header, { ...goodClaims, ...claims }, issuerKey))

  const wrongKey = fc
    .constantFrom<object>(
      header,
      { ...header, kid: 'unknown' },
      { ...header, kid: '../../dev/null' },
      { ...header, kid: "' OR '1'='1" },
      { ...header, kid: '__proto__' },
      { ...header, kid: [keyId] },
      { ...header, kid: 'k'.repeat(4_000) },
      { alg: 'RS256' },
      { ...header, jwk: kit.attackerJwk },
      { ...header, jku: 'http://127.0.0.1:1/keys' },
      { ...header, x5u: 'http://127.0.0.1:1/cert', x5c: ['AAAA'] },
      { ...header, crit: ['b64'], b64: false },
      { ...header, alg: 'PS256' },
      { ...header, alg: 'ES256' },
    )
    .map((bad) => signed(bad, goodClaims, attackerKey))

  // The last character of a part holds bits that do not count; all others do.
  const changed = fc.tuple(fc.nat(), fc.constantFrom(...'AZaz09-_')).map(([at, character]) => {
    const parts = kit.goodToken.split('.')
    const place = at % kit.goodToken.length
    const old = kit.goodToken.charAt(place)
    const isLast = place === kit.goodToken.length - 1
    if (old === '.' || old === character || isLast) return parts.slice(0, 2).join('.')
    return `${kit.goodToken.slice(0, place)}${character}${kit.goodToken.slice(place + 1)}`
  })
  const cut = fc.nat(kit.goodToken.length - 2).map((length) => kit.goodToken.slice(0, length))
  const repeated = fc.constantFrom(
    ...[`${kit.goodToken}.`, `.${kit.goodToken}`, `${kit.goodToken}.${kit.goodToken}`, `${kit.goodToken}=`],
    ...[
      `${kit.goodToken}\t`,
      `${kit.goodToken} x`,
      `"${kit.goodToken}"x`,
      `${kit.goodToken},${kit.goodToken}`,
    ],
  )
  const invented = fc
    .tuple(fc.json({ maxDepth: 3 }), fc.json({ maxDepth: 3 }), fc.base64String({ maxLength: 50 }))
    .map(
      ([head, claims, signature]) =>
        `${Buffer.from(head).toString('base64url')}.${Buffer.from(claims).toString('base64url')}.${signature.replaceAll('=', '')}`,
    )
  const noise = fc.stringMatching(/^[!-~]{0,80}$/)

  return fc.oneof(
    { arbitrary: withoutSignature, weight: 3 },
    { arbitrary: symmetric, weight: 3 },
    { arbitrary: wrongClaim, weight: 5 },
    { arbitrary: wrongKey, weight: 4 },
    { arbitrary: changed, weight: 3 },
    { arbitrary: cut, weight: 1 },
    { arbitrary: repeated.filter((token) => token.trim() !== kit.goodToken), weight: 1 },
    { arbitrary: invented, weight: 2 },
    { arbitrary: noise, weight: 1 },
  )
}

/** What a request gets beside its own. */
interface Place {
  readonly headers: readonly string[]
  readonly query?: string
}

/** Where a token may be put; only the first is where it belongs. */
function places(kit: TokenKit): fc.Arbitrary<(token: string) => Place> {
  const good = kit.goodToken
  return fc.constantFrom<(token: string) => Place>(
    ...Array.from({ length: 8 }, () => (token: string) => ({ headers: [`Authorization: Bearer ${token}`] })),
    (token) => ({ headers: [`authorization: BEARER   ${token}`] }),
    (token) => ({ headers: [`Authorization: Bearer ${token}`, `Authorization: Bearer ${good}`] }),
    (token) => ({ headers: [`Authorization: Bearer ${token}`, `X-Goog-IAP-JWT-Assertion: ${good}`] }),
    () => ({ headers: [`X-Goog-IAP-JWT-Assertion: ${good}`] }),
    () => ({ headers: ['X-Goog-Authenticated-User-Email: accounts.google.com:caller@example.com'] }),
    () => ({ headers: [`Proxy-Authorization: Bearer ${good}`] }),
    () => ({ headers: [`Cookie: token=${good}; GCP_IAAP_AUTH_TOKEN=${good}`] }),
    () => ({ headers: [], query: `access_token=${good}` }),
    () => ({ headers: [`Authorization: Basic ${Buffer.from(`x:${good}`).toString('base64')}`] }),
    () => ({ headers: [`Authorization: ${good}`] }),
    () => ({ headers: [`Authorization: Bearer`, `X-Authorization: Bearer ${good}`] }),
  )
}

const RAW = 'gs://raw-bucket/exports/raw-1/'
const requests: readonly RawRequest[] = [
  ...STARTS.map(({ path, wrap }) => postJson(path, wrap({ raw_path: RAW }), 'X: y')),
  ...['cancel', 'retry'].map((verb) => postJson(`/runs/there/${verb}`, {}, 'X: y')),
  ...['v1', 'v2'].map((version) => ({
    ...postJson(`/api/${version}/dags/average-speed/dagRuns/there`, { state: 'failed' }, 'X: y'),
    method: 'PATCH',
  })),
  ...['/runs', '/runs/there', '/api/v2/dags/average-speed/dagRuns/there/wait?interval=1'].map((target) => ({
    method: 'GET',
    target,
    headers: [],
  })),
]

/** Good requests of callers who prove nothing: each must be answered 401 or 403. */
export const tokenAttacks = (kit: TokenKit): fc.Arbitrary<Attack> =>
  fc.tuple(badTokens(kit), places(kit), fc.constantFrom(...requests)).map(([token, place, request]) => {
    const { headers, query } = place(token)
    const glue = request.target.includes('?') ? '&' : '?'
    return {
      name: 'a token that proves nothing',
      unproven: true as const,
      request: {
        ...request,
        target: query === undefined ? request.target : `${request.target}${glue}${query}`,
        headers: [...request.headers, ...headers],
      },
    }
  })
