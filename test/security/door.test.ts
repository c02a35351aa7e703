import { once } from 'node:events'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { generateKeyPair } from 'jose'
import { Registry } from 'prom-client'
import { lazyTemporalClient } from '../../src/clients.ts'
import type { GatewayConfig } from '../../src/config.ts'
import { type AppOptions, buildApp } from '../../src/gateway/app.ts'
import { metricsServer } from '../../src/gateway/metrics-server.ts'
import { CONNECTION_TIMES, MAX_CONNECTIONS } from '../../src/gateway/server-limits.ts'
import { testConfig } from '../gateway/support/gateway.ts'
import { type Issuer, startIssuer, type TokenOptions } from '../gateway/support/issuer.ts'

const cleanUps: (() => Promise<unknown>)[] = []
let issuer: Issuer
let otherKey: Awaited<ReturnType<typeof generateKeyPair>>['privateKey']
beforeAll(async () => {
  issuer = await startIssuer()
  otherKey = (await generateKeyPair('RS256')).privateKey
})
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})
afterAll(() => issuer?.close())

/** A gateway whose Temporal is away: 400 says that a caller was let in. */
async function open(change: Partial<GatewayConfig> = {}, options: Partial<AppOptions> = {}) {
  const config = testConfig(issuer, '127.0.0.1:1')
  const temporal = lazyTemporalClient(config.temporal)
  let log = ''
  const app = await buildApp({
    config: { ...config, ...change, authentication: { ...config.authentication, ...change.authentication } },
    temporal,
    logStream: { write: (line: string) => (log += line) } as unknown as NodeJS.WritableStream,
    maxLoopDelayMs: 0,
    ...options,
  })
  cleanUps.push(
    () => temporal.connection.close(),
    () => app.close(),
  )
  const post = async (token?: string, remoteAddress = '127.0.0.1') =>
    app.inject({
      method: 'POST',
      url: '/runs',
      remoteAddress,
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      payload: {},
    })
  return { app, post, log: () => log }
}

const LET_IN = 400
const TEMPORAL_AWAY = 503

/** So many connections, on each of which a text was sent, and the server has had a moment to read it. */
async function hold(port: number, count: number, text: string): Promise<Socket[]> {
  const held: Socket[] = []
  for (let n = 0; n < count; n += 1) {
    const socket = connect({ port, host: '127.0.0.1' })
    held.push(socket)
    socket.on('error', () => undefined)
    await once(socket, 'connect')
    socket.write(text)
  }
  await sleep(300)
  return held
}

describe('finding 13: slow and idle connections', () => {
  const times = { headers: 300, request: 600, checks: 50 }

  /** Milliseconds until the server has closed a connection on which it was sent these parts, and no more. */
  async function lifeOf(port: number, ...parts: string[]): Promise<number> {
    const socket = connect({ port, host: '127.0.0.1' })
    socket.on('error', () => undefined)
    socket.resume()
    const opened = performance.now()
    const drip = setInterval(() => {
      const part = parts.shift()
      if (part !== undefined && socket.writable) socket.write(part)
    }, 100)
    await new Promise((resolve) => socket.once('close', resolve))
    clearInterval(drip)
    return performance.now() - opened
  }

  test('finding 13: are closed when their time is over, and hardly later', async () => {
    const { app } = await open({}, { connectionTimes: times })
    await app.listen({ host: '127.0.0.1', port: 0 })
    const { port } = app.server.address() as AddressInfo
    const head = `POST /runs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${await issuer.token()}\r\n`
    const [idle, slowHead, slowBody] = await Promise.all([
      lifeOf(port),
      lifeOf(port, 'GET /healthz HTTP/1.1\r\n', 'Host: x\r\n', ...Array(30).fill('X-A: b\r\n')),
      lifeOf(
        port,
        `${head}Content-Type: application/json\r\nContent-Length: 900\r\n\r\n`,
        ...Array(30).fill(' '),
      ),
    ])
    for (const life of [idle, slowHead]) {
      expect(life).toBeGreaterThan(times.headers - 50)
      expect(life).toBeLessThan(times.headers + 600)
    }
    expect(slowBody).toBeGreaterThan(times.request - 50)
    expect(slowBody).toBeLessThan(times.request + 900)
  })

  test('finding 13: have the times that the documents name, and are limited in number', async () => {
    const { app } = await open()
    expect(CONNECTION_TIMES).toEqual({ headers: 10_000, request: 15_000, checks: 500 })
    const { headersTimeout, requestTimeout, maxConnections } = app.server
    expect([headersTimeout, requestTimeout, maxConnections]).toEqual([10_000, 15_000, MAX_CONNECTIONS])
    expect(MAX_CONNECTIONS).toBeLessThan(1024)
  })

  test('finding 13: one connection too many is closed at once', async () => {
    const { app, post } = await open({}, { connectionTimes: { ...times, headers: 5_000, request: 5_000 } })
    app.server.maxConnections = 2
    await app.listen({ host: '127.0.0.1', port: 0 })
    const { port } = app.server.address() as AddressInfo
    // An accepted caller's request under way is nothing that others may end.
    const head = `POST /runs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${await issuer.token()}\r\n`
    const request = `${head}Content-Type: application/json\r\nContent-Length: 9\r\n\r\n`
    await post(await issuer.token())
    const held = [...(await hold(port, 1, request)), ...(await hold(port, 1, request))]
    expect(await lifeOf(port)).toBeLessThan(2_000)
    expect(held.filter((socket) => socket.closed)).toEqual([])
    for (const socket of held) socket.destroy()
  })

  const get = (more = '') => `GET /healthz HTTP/1.1\r\nHost: x\r\n${more}\r\n`
  const strangers = {
    'idle after a request': get(),
    silent: '',
    'in the middle of their headers': 'GET /healthz HTTP/1.1\r\nHost: x\r\n',
    'in the middle of a body that was refused': get('Content-Length: 900\r\n').replace('GET', 'POST'),
    'asking for another protocol': get('Connection: Upgrade\r\nUpgrade: websocket\r\n'),
    'not reading what they asked for': get().replace('healthz', 'openapi.json').repeat(50),
  }

  test('finding 13: strangers who hold all connections keep no caller out', async () => {
    const { app } = await open()
    app.server.maxConnections = 20
    await app.listen({ host: '127.0.0.1', port: 0 })
    const { port } = app.server.address() as AddressInfo
    const headers = { authorization: `Bearer ${await issuer.token()}`, connection: 'close' }
    for (const [title, text] of Object.entries(strangers)) {
      const held = await hold(port, 30, text)
      for (let n = 0; n < 5; n += 1) {
        const reply = await fetch(`http://127.0.0.1:${port}/runs/x`, { headers })
        expect([title, reply.status]).toEqual([title, TEMPORAL_AWAY])
      }
      for (const socket of held) socket.destroy()
    }
  })

  test('finding 13: who asks for another protocol is answered in this one, and then closed', async () => {
    const { app } = await open()
    await app.listen({ host: '127.0.0.1', port: 0 })
    const { port } = app.server.address() as AddressInfo
    for (const path of ['/healthz', '/runs', '/nothing', '/%zz']) {
      const request = `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`
      expect(await lifeOf(port, request)).toBeLessThan(3_000)
    }
  })

  test('finding 13: the metrics are within reach, whoever holds connections to them', async () => {
    const scraped = metricsServer(new Registry())
    cleanUps.push(() => scraped.close())
    await scraped.listen({ host: '127.0.0.1', port: 0 })
    const { port } = scraped.server.address() as AddressInfo
    const held = await hold(port, 40, get())
    expect((await fetch(`http://127.0.0.1:${port}/metrics`)).status).toBe(200)
    expect(await new Promise((resolve) => scraped.server.getConnections((_, n) => resolve(n)))).toBeLessThan(
      25,
    )
    for (const socket of held) socket.destroy()
  })
})

describe('finding 15: who is not an accepted caller', () => {
  const refused: [string, () => Promise<string | undefined>][] = [
    ['without a token', async () => undefined],
    ['with garbage', async () => 'abc.def.ghi'],
    ['with an accepted caller’s name and another’s signature', () => issuer.token({ key: otherKey })],
    ['who is not on the list', () => issuer.token({ claims: { email: 'stranger@example.com' } })],
    ['whose token has expired', () => issuer.token({ expiresIn: -120 })],
  ]

  test('finding 15: is limited by the address, and never keeps an accepted one out', async () => {
    const { post } = await open({ refusalsPerMinute: 5 })
    for (const [i, [title, tokenOf]] of refused.entries()) {
      const address = `192.0.2.${i}`
      const token = await tokenOf()
      for (let n = 0; n < 5; n += 1) expect([401, 403]).toContain((await post(token, address)).statusCode)
      for (let n = 0; n < 3; n += 1) {
        const reply = await post(token, address)
        expect([title, reply.statusCode]).toEqual([title, 429])
        expect(Number(reply.headers['retry-after'])).toBeGreaterThan(0)
        expect(reply.json().detail).toMatch(/^Too many requests without an accepted caller: at most 5 a min/)
      }
      // Behind a proxy the next request from that address may be anybody's.
      for (const email of ['caller@example.com', 'other@example.com']) {
        const good = await issuer.token({ claims: { email } })
        expect((await post(good, address)).statusCode).toBe(LET_IN)
      }
    }
  })

  test('finding 15: costs no key and no signature once the limit is reached', async () => {
    const { post } = await open({ refusalsPerMinute: 1 })
    const fetches = issuer.fetches()
    await post()
    for (const options of [{ claims: { email: 'stranger@example.com' } }, { expiresIn: -120 }]) {
      expect((await post(await issuer.token(options))).statusCode).toBe(429)
    }
    expect(issuer.fetches()).toBe(fetches)
  })

  test('finding 15: is limited in each generation’s own words, and by the address that it has', async () => {
    const { app } = await open({ refusalsPerMinute: 1 })
    const ask = (url: string) =>
      app.inject({ url, headers: { 'x-forwarded-for': String(Math.random()), forwarded: 'for=192.0.2.1' } })
    expect((await ask('/runs')).statusCode).toBe(401)
    const paths = [
      '/runs/x',
      ...['experimental/test', 'v1/dags/a/dagRuns', 'v2/dags/a/dagRuns'].map((p) => `/api/${p}`),
    ]
    for (const path of [...paths, '/api/v1/nothing']) {
      const reply = await ask(path)
      expect([path, reply.statusCode]).toEqual([path, 429])
      expect(Object.keys(reply.json())).toContain(path.includes('experimental') ? 'error' : 'detail')
    }
  })

  test('finding 15: may read what is open to all so often, and no more', async () => {
    const { app } = await open({ requestsPerMinute: 3 })
    for (const url of ['/docs/', '/openapi.json', '/nothing']) {
      expect((await app.inject(url)).statusCode).toBeLessThan(405)
    }
    for (const url of ['/docs/', '/openapi.json', '/nothing']) {
      const reply = await app.inject(url)
      expect([url, reply.statusCode, reply.headers['cache-control']]).toEqual([url, 429, 'no-store'])
      expect(Number(reply.headers['retry-after'])).toBeGreaterThan(0)
    }
    expect((await app.inject('/healthz')).statusCode).toBe(200)
  })
})

describe('finding 19: a token whose times its issuer would not give', () => {
  const now = () => Math.floor(Date.now() / 1000)
  const cases: [string, () => TokenOptions, RegExp][] = [
    ['issued in the future', () => ({ claims: { iat: now() + 300 }, expiresIn: 600 }), /not valid yet/],
    ['of ten years', () => ({ expiresIn: 315_360_000 }), /does not expire within 60 minutes/],
    ['of an hour and two minutes', () => ({ expiresIn: 3_720 }), /does not expire within 60 minutes/],
    ['issued ten years ago', () => ({ claims: { iat: now() - 315_360_000 } }), /does not expire within/],
    ['not valid before tomorrow', () => ({ claims: { nbf: now() + 86_400 } }), /not valid yet/],
    ['that expires before it is issued', () => ({ claims: { iat: now() + 50 }, expiresIn: -30 }), /expire/],
    ['with a time beyond all numbers', () => ({ claims: { iat: -1e308 } }), /times/],
    ['with an end beyond all numbers', () => ({ claims: { exp: 1e308 }, expiresIn: null }), /times/],
    ['with a time before 1970', () => ({ claims: { iat: -5, nbf: -5 } }), /times/],
    ['with a text for a time', () => ({ claims: { iat: 'now' as unknown as number } }), /./],
  ]

  test('finding 19: proves nothing', async () => {
    const { post } = await open()
    for (const [title, options, sentence] of cases) {
      const reply = await post(await issuer.token(options()))
      expect([title, reply.statusCode, reply.json().detail]).toEqual([
        title,
        401,
        expect.stringMatching(sentence),
      ])
    }
  })

  test('finding 19: and an ordinary one does, as long as clocks differ by a minute at most', async () => {
    const { post } = await open()
    const late = { claims: { iat: now() - 3_000 }, expiresIn: -30 }
    for (const options of [{}, { claims: { iat: now() + 50 }, expiresIn: 3_600 }, late]) {
      expect((await post(await issuer.token(options))).statusCode).toBe(LET_IN)
    }
  })

  test('finding 19: an assertion of Identity-Aware Proxy lives for ten minutes', async () => {
    const proxy = await startIssuer('ES256')
    cleanUps.push(() => proxy.close())
    const authentication = {
      ...testConfig(proxy, '').authentication,
      mode: 'iap' as const,
      jwksUrl: proxy.jwksUrl,
    }
    const { app } = await open({ authentication })
    const post = async (options: TokenOptions) => {
      const headers = { 'x-goog-iap-jwt-assertion': await proxy.token(options) }
      return (await app.inject({ method: 'POST', url: '/runs', headers, payload: {} })).statusCode
    }
    expect(await post({})).toBe(LET_IN)
    expect(await post({ expiresIn: 3_600 })).toBe(401)
  })
})

describe('finding 19: what is told is kept nowhere', () => {
  test('finding 19: no answer may be stored on its way', async () => {
    const { app } = await open()
    const headers = { authorization: `Bearer ${await issuer.token()}` }
    const urls = ['/runs', '/runs/x', '/runs/%zz', '/runs?limit=0', '/nothing', '/api/experimental/test']
    for (const url of [...urls, '/api/v1/dags/average-speed/dagRuns/x', '/api/v2/nothing', '/api/v2/%zz']) {
      const replies = [await app.inject({ url, headers }), await app.inject({ url })]
      for (const reply of replies) expect([url, reply.headers['cache-control']]).toEqual([url, 'no-store'])
    }
  })

  test('finding 19: no token gets into the log, in whatever disguise and place', async () => {
    const { app, log } = await open({ logLevel: 'trace' })
    const token = await issuer.token()
    const [, claims = ''] = token.split('.')
    const spelt = (text: string) => [...text].map((one) => `%${one.charCodeAt(0).toString(16)}`).join('')
    const short = `eyJhbGciOiJFUzI1NiJ9.${claims.slice(0, 100)}.x`
    const disguises = [token, spelt(token), spelt(spelt(token)), `%65${token.slice(1)}`, short, spelt(short)]
    disguises.push(short.replace(/^eyJ/, 'eyAi'), token.split('.').join('%2e'), `Bearer%20${token}`)
    for (const disguise of disguises) {
      for (const url of [
        `/runs/${disguise}`,
        `/runs?cursor=${disguise}`,
        `/${disguise}`,
        `/api/v1/dags/${disguise}/dagRuns/${disguise.slice(0, 199)}`,
        `/api/experimental/dags/average-speed/dag_runs/${disguise}`,
      ]) {
        await app.inject({ url, headers: { authorization: `Bearer ${token}`, cookie: disguise } })
      }
    }
    const body = { run_id: short, raw_path: 'exports/raw-1' }
    await app.inject({
      method: 'POST',
      url: '/runs',
      headers: { authorization: `Bearer ${token}` },
      payload: body,
    })
    expect(log()).toContain('caller@example.com')
    for (const secret of [claims.slice(0, 30), spelt(claims.slice(0, 12))])
      expect(log()).not.toContain(secret)
  })
})

describe('finding 14: an address that cannot be decoded', () => {
  test('finding 14: is refused in the words of its generation, and not repeated', async () => {
    const { app } = await open()
    const problem = { status: 400, detail: expect.stringMatching(/percent sign/) }
    const shapes: [string, object][] = [
      ['/runs/%zz', problem],
      ['/api/experimental/dags/%zz/dag_runs', { error: expect.stringMatching(/percent sign/) }],
      ['/api/v1/dags/%c3%28/dagRuns', problem],
      ['/api/v2/dags/%/dagRuns', { detail: expect.stringMatching(/percent sign/) }],
    ]
    for (const [url, shape] of shapes) {
      const reply = await app.inject(url)
      expect([url, reply.statusCode, reply.json()]).toEqual([url, 400, expect.objectContaining(shape)])
    }
  })
})
