import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, exportPKCS8, generateKeyPair, type JWTPayload, SignJWT } from 'jose'

type KeyPair = Awaited<ReturnType<typeof generateKeyPair>>

/** What a token says beyond the ordinary, and how it is signed. */
export interface TokenOptions {
  readonly claims?: JWTPayload
  /** Seconds from now; null leaves the expiry out. */
  readonly expiresIn?: number | null
  readonly keyId?: string
  readonly key?: KeyPair['privateKey']
}

/** A signer of tokens with an HTTP server for its public keys, as Google has one. */
export interface Issuer {
  readonly jwksUrl: string
  /** How often the keys were asked for. */
  readonly fetches: () => number
  token(options?: TokenOptions): Promise<string>
  /** The key that it signs with at the moment. */
  privateKeyPem(): Promise<string>
  /** Signs with a new key from now on; `published: false` leaves it out of the key set. */
  rotate(options?: { published: boolean }): Promise<void>
  /** What the keys' host does: serve, answer 500, or accept and stay silent. */
  behave(how: 'well' | 'error' | 'silent'): void
  close(): Promise<void>
}

// Seconds.
const ISSUED_AGO = 10

/** Claims of a valid token for the test gateway. */
export const GOOD_CLAIMS = {
  aud: 'test-client-id',
  email: 'Caller@Example.com',
  email_verified: true,
  sub: '1234567890',
} as const

/** Starts an issuer of Google ID tokens (RS256) or IAP assertions (ES256). */
export async function startIssuer(algorithm: 'RS256' | 'ES256' = 'RS256'): Promise<Issuer> {
  const keys = new Map<string, { pair: KeyPair; published: boolean }>()
  const addKey = async (published: boolean) => {
    const id = `key-${keys.size + 1}`
    keys.set(id, { pair: await generateKeyPair(algorithm, { extractable: true }), published })
    return id
  }
  let current = await addKey(true)
  let behaviour: 'well' | 'error' | 'silent' = 'well'
  let fetches = 0
  // As long as Google's own live.
  const lifetime = (algorithm === 'RS256' ? 3600 : 600) - ISSUED_AGO
  const server = createServer(async (_request, response) => {
    fetches += 1
    if (behaviour === 'silent') return
    if (behaviour === 'error') return void response.writeHead(500).end()
    const published = [...keys].filter(([, key]) => key.published)
    const jwks = await Promise.all(
      published.map(async ([kid, { pair }]) => ({
        ...(await exportJWK(pair.publicKey)),
        kid,
        alg: algorithm,
        use: 'sig',
      })),
    )
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: jwks }))
  })
  await listen(server)
  return {
    jwksUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`,
    fetches: () => fetches,
    async token({ claims, expiresIn = lifetime, keyId = current, key } = {}) {
      const now = Math.floor(Date.now() / 1000)
      const expiry = expiresIn === null ? {} : { exp: now + expiresIn }
      const pair = keys.get(keyId)?.pair
      const signer = key ?? pair?.privateKey
      if (signer === undefined) throw new Error(`There is no key ${keyId}.`)
      const issuer = algorithm === 'RS256' ? 'https://accounts.google.com' : 'https://cloud.google.com/iap'
      return new SignJWT({ iss: issuer, iat: now - ISSUED_AGO, ...expiry, ...GOOD_CLAIMS, ...claims })
        .setProtectedHeader({ alg: algorithm, kid: keyId, typ: 'JWT' })
        .sign(signer)
    },
    privateKeyPem() {
      const pair = keys.get(current)?.pair
      if (pair === undefined) throw new Error('There is no key.')
      return exportPKCS8(pair.privateKey)
    },
    async rotate({ published } = { published: true }) {
      current = await addKey(published)
    },
    behave(how) {
      behaviour = how
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function listen(server: Server): Promise<void> {
  return new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
}
