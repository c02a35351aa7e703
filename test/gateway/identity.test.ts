import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { lazyTemporalClient } from '../../src/clients.ts'
import type { AuthenticationConfig } from '../../src/config.ts'
import { buildApp } from '../../src/gateway/app.ts'
import { KEY_SET_TIMES, type KeySetTimes } from '../../src/gateway/authentication/key-set.ts'
import { testConfig } from './support/gateway.ts'
import { type Issuer, startIssuer } from './support/issuer.ts'
import { until } from './support/until.ts'

let issuer: Issuer
let close: (() => Promise<void>)[]

beforeEach(async () => {
  issuer = await startIssuer()
  close = [() => issuer.close()]
})
afterEach(async () => {
  for (const end of close.reverse()) await end()
})

/** An app whose Temporal is away, which is of no matter here: 400 says that the caller was let in. */
async function appWith(authentication: Partial<AuthenticationConfig> = {}, times: Partial<KeySetTimes> = {}) {
  const config = testConfig(issuer, '127.0.0.1:1')
  const temporal = lazyTemporalClient(config.temporal)
  const app = await buildApp({
    config: {
      ...config,
      authentication: { ...config.authentication, ...authentication },
      logLevel: 'silent',
    },
    temporal,
    // A busy machine is of no matter here either.
    keySetTimes: { ...KEY_SET_TIMES, timeout: 20_000, ...times },
    maxLoopDelayMs: 0,
  })
  close.push(async () => {
    await app.close()
    await temporal.connection.close()
  })
  const send = (headers: Record<string, string>) =>
    app.inject({ method: 'POST', url: '/runs', headers, payload: {} })
  return {
    send,
    sendToken: async (token: string) => send({ authorization: `Bearer ${token}` }),
  }
}

const LET_IN = 400

test('keys are fetched once for many requests', async () => {
  const { sendToken } = await appWith()
  const token = await issuer.token()
  const replies = await Promise.all(Array.from({ length: 20 }, () => sendToken(token)))
  expect(new Set(replies.map((reply) => reply.statusCode))).toEqual(new Set([LET_IN]))
  expect(issuer.fetches()).toBe(1)
})

test('a rotated key is found by fetching anew, at most once a cooldown', async () => {
  const { sendToken } = await appWith({}, { cooldown: 0 })
  await sendToken(await issuer.token())
  await issuer.rotate()
  expect((await sendToken(await issuer.token())).statusCode).toBe(LET_IN)
  expect(issuer.fetches()).toBe(2)
  const patient = await appWith({}, { cooldown: 60_000 })
  await patient.sendToken(await issuer.token())
  await issuer.rotate({ published: false })
  for (let i = 0; i < 5; i += 1) expect((await patient.sendToken(await issuer.token())).statusCode).toBe(401)
  expect(issuer.fetches()).toBe(3)
})

describe('When the keys’ host is away', () => {
  test.each(['error', 'silent'] as const)(
    '%s: without keys it is 503 with Retry-After, soon',
    async (how) => {
      issuer.behave(how)
      const { sendToken } = await appWith({}, { timeout: 300 })
      const token = await issuer.token()
      const begun = Date.now()
      for (let i = 0; i < 10; i += 1) {
        const reply = await sendToken(token)
        expect(reply.statusCode).toBe(503)
        expect(Number(reply.headers['retry-after'])).toBeGreaterThan(0)
      }
      expect(Date.now() - begun).toBeLessThan(2_000)
      expect(issuer.fetches()).toBe(1)
    },
  )

  test('the old keys serve for a bounded time, and the host is asked again when it is back', async () => {
    const { sendToken } = await appWith({}, { timeout: 300, maxAge: 50, pause: 50, maxStaleAge: 1_000 })
    const token = await issuer.token()
    expect((await sendToken(token)).statusCode).toBe(LET_IN)
    issuer.behave('error')
    await until(async () => {
      expect((await sendToken(token)).statusCode).toBe(LET_IN)
      return issuer.fetches() > 2
    })
    await until(async () => (await sendToken(token)).statusCode === 503)
    issuer.behave('well')
    await until(async () => (await sendToken(token)).statusCode === LET_IN)
  })
})

describe('Behind Identity-Aware Proxy', () => {
  const audience = '/projects/1/global/backendServices/2'

  async function iap() {
    const proxy = await startIssuer('ES256')
    close.push(() => proxy.close())
    const app = await appWith({ mode: 'iap', audiences: [audience], jwksUrl: proxy.jwksUrl })
    return { ...app, proxy }
  }

  test('its assertion counts, and says nothing of a verified address', async () => {
    const { send, proxy } = await iap()
    const assertion = await proxy.token({ claims: { aud: audience, email_verified: null } })
    expect((await send({ 'x-goog-iap-jwt-assertion': assertion })).statusCode).toBe(LET_IN)
  })

  test('Authorization and the unsigned headers prove nothing', async () => {
    const { send, proxy } = await iap()
    const reply = await send({
      authorization: `Bearer ${await proxy.token({ claims: { aud: audience } })}`,
      'x-goog-authenticated-user-email': 'accounts.google.com:caller@example.com',
    })
    expect(reply.statusCode).toBe(401)
    expect(reply.json().detail).toMatch(/did not come through Identity-Aware Proxy/)
  })

  test('an ID token is no assertion, nor is an assertion for another service', async () => {
    const { send, proxy } = await iap()
    const refused = [
      await issuer.token({ claims: { aud: audience } }),
      await proxy.token({ claims: { aud: '/projects/1/global/backendServices/3' } }),
      await proxy.token({ claims: { aud: audience, iss: 'https://accounts.google.com' } }),
    ]
    for (const assertion of refused) {
      expect((await send({ 'x-goog-iap-jwt-assertion': assertion })).statusCode).toBe(401)
    }
  })
})
