import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { afterEach, expect, test } from '@jest/globals'
import { freePort } from '../../local/support/free-port.ts'
import { lazyTemporalClient } from '../../src/clients.ts'
import { buildApp } from '../../src/gateway/app.ts'
import { workflowIdOf } from '../../workflows/contract.ts'
import { startTestGateway, testConfig, workflowIds } from './support/gateway.ts'
import { openHeldLine } from './support/held-line.ts'
import { startIssuer } from './support/issuer.ts'
import { until } from './support/until.ts'

const cleanUps: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

const good = { run_id: 'outage', raw_path: 'gs://raw-bucket/exports/raw-1/' }

/** A Temporal that takes connections and says nothing. */
async function silentServer(): Promise<string> {
  const sockets = new Set<{ destroy(): void }>()
  const server: Server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanUps.push(async () => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function appBefore(temporalAddress: string) {
  const issuer = await startIssuer()
  const config = { ...testConfig(issuer, temporalAddress), logLevel: 'silent' }
  const temporal = lazyTemporalClient(config.temporal)
  const app = await buildApp({ config, temporal, maxLoopDelayMs: 0 })
  cleanUps.push(
    () => issuer.close(),
    () => temporal.connection.close(),
    () => app.close(),
  )
  return { app, headers: { authorization: `Bearer ${await issuer.token()}` } }
}

test.each([
  ['away', async () => `127.0.0.1:${await freePort('127.0.0.1')}`],
  ['silent', silentServer],
])('Temporal %s: every answer comes in time, is 503, and says when to try again', async (_how, address) => {
  const { app, headers } = await appBefore(await address())
  const requests = [
    { method: 'POST', url: '/runs', payload: good },
    { method: 'GET', url: '/runs' },
    { method: 'GET', url: '/runs/x' },
    { method: 'POST', url: '/runs/x/cancel' },
    { method: 'POST', url: '/runs/x/retry' },
    {
      method: 'POST',
      url: '/api/experimental/dags/average-speed/dag_runs',
      payload: { conf: { raw_path: good.raw_path } },
    },
  ] as const
  const begun = Date.now()
  const replies = await Promise.all(requests.map((request) => app.inject({ ...request, headers })))
  expect(Date.now() - begun).toBeLessThan(7_000)
  for (const reply of replies) {
    expect(reply.statusCode).toBe(503)
    expect(reply.headers['retry-after']).toBe('5')
    expect(reply.body).toMatch(/workflow engine cannot be reached/)
  }
  const asked = Date.now()
  expect((await app.inject('/readyz')).statusCode).toBe(503)
  expect(Date.now() - asked).toBeLessThan(3_000)
  expect((await app.inject('/healthz')).statusCode).toBe(200)
})

test('when Temporal is back the gateway is too, without a restart', async () => {
  const gateway = await startTestGateway()
  cleanUps.push(() => gateway.close())
  const headers = await gateway.headers()
  const start = () => gateway.app.inject({ method: 'POST', url: '/runs', headers, payload: good })
  expect((await start()).statusCode).toBe(202)
  await gateway.temporal.restart({ kill: true })
  await until(async () => (await gateway.app.inject('/readyz')).statusCode === 200)
  expect((await start()).json()).toMatchObject({ run_id: 'outage', status: 'running' })
})

test('Temporal slow: the answer is 503 in time though the run has begun, and the same request finds it later', async () => {
  const gateway = await startTestGateway()
  const line = await openHeldLine(gateway.temporal.address)
  cleanUps.push(
    () => gateway.close(),
    () => line.close(),
  )
  const { app, headers } = await appBefore(line.address)
  const start = () => app.inject({ method: 'POST', url: '/runs', headers, payload: good })
  expect((await app.inject('/readyz')).statusCode).toBe(200)
  line.hold()
  const begun = Date.now()
  expect((await start()).statusCode).toBe(503)
  expect((await app.inject('/readyz')).statusCode).toBe(503)
  expect(Date.now() - begun).toBeLessThan(10_000)
  line.release()
  await until(async () => (await app.inject('/readyz')).statusCode === 200)
  expect((await start()).json()).toMatchObject({ run_id: 'outage', status: 'running' })
  await until(async () => (await workflowIds(gateway.client)).length > 0)
  expect(await workflowIds(gateway.client)).toEqual([workflowIdOf('outage')])
})

test('a caller who asks too often is told to wait; others are not', async () => {
  const gateway = await startTestGateway({ config: { requestsPerMinute: 3 } })
  cleanUps.push(() => gateway.close())
  const ask = async () => gateway.app.inject({ url: '/runs/x', headers: await gateway.headers() })
  for (let i = 0; i < 3; i += 1) expect((await ask()).statusCode).toBe(404)
  const reply = await ask()
  expect(reply.statusCode).toBe(429)
  expect(Number(reply.headers['retry-after'])).toBeGreaterThan(0)
  expect(reply.headers['content-type']).toMatch(/problem\+json/)
  expect(reply.json().detail).toMatch(/at most 3 a minute/)
  expect((await gateway.app.inject('/healthz')).statusCode).toBe(200)
})

test('overloaded, it refuses work with 503 until it has caught up, and is not ready but alive', async () => {
  const gateway = await startTestGateway({ maxLoopDelayMs: 200 })
  cleanUps.push(() => gateway.close())
  const headers = await gateway.headers()
  const ask = () => {
    const requests = [{ url: '/runs/x', headers }, { url: '/readyz' }, { url: '/healthz' }]
    return Promise.all(requests.map((request) => gateway.app.inject(request)))
  }
  await until(async () => {
    const end = Date.now() + 1_000
    while (Date.now() < end);
    const [work, ready, alive] = await ask()
    if (work?.statusCode !== 503) return false
    expect(work.headers['retry-after']).toBe('5')
    expect(work.json().detail).toMatch(/overloaded/)
    expect([ready?.statusCode, alive?.statusCode]).toEqual([503, 200])
    return true
  })
  await until(async () => (await ask())[0]?.statusCode === 404)
})

test('told to stop, the process finishes what it has accepted and ends with 0', async () => {
  const issuer = await startIssuer()
  cleanUps.push(() => issuer.close())
  const port = await freePort('127.0.0.1')
  const child = spawn(process.execPath, [join(import.meta.dirname, '../../src/gateway/main.ts')], {
    env: {
      PATH: process.env['PATH'] ?? '',
      AUTHENTICATION: 'id-token',
      IAP_CLIENT_ID: 'test-client-id',
      ALLOWED_CALLERS: 'caller@example.com',
      GATEWAY_SECRET: 'x'.repeat(32),
      GOOGLE_JWKS_URL: issuer.jwksUrl,
      TEMPORAL_ADDRESS: await silentServer(),
      RAW_BUCKET: 'raw-bucket',
      PROCESSED_BUCKET: 'processed-bucket',
      BQ_OUTPUT_TABLE: 'p.d.t',
      GATEWAY_PORT: String(port),
    },
    stdio: 'ignore',
  })
  cleanUps.push(async () => child.kill('SIGKILL'))
  const exited = once(child, 'exit')
  const url = `http://127.0.0.1:${port}`
  await until(async () => (await fetch(`${url}/healthz`).catch(() => undefined))?.ok === true)
  const fetches = issuer.fetches()
  const pending = fetch(`${url}/runs/x`, {
    headers: { authorization: `Bearer ${await issuer.token()}`, connection: 'close' },
  })
  await until(async () => issuer.fetches() > fetches)
  child.kill('SIGTERM')
  expect((await pending).status).toBe(503)
  expect(await exited).toEqual([0, null])
})

test('a gateway without a mode of identity refuses to start, and names what is missing', async () => {
  const child = spawn(process.execPath, [join(import.meta.dirname, '../../src/gateway/main.ts')], {
    env: { PATH: process.env['PATH'] ?? '', RAW_BUCKET: 'b' },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let stderr = ''
  child.stderr.on('data', (chunk) => {
    stderr += chunk
  })
  expect((await once(child, 'close'))[0]).toBe(1)
  expect(stderr).toMatch(/AUTHENTICATION is missing/)
  expect(stderr).toMatch(/ALLOWED_CALLERS is missing/)
  expect(stderr).not.toMatch(/\n\s+at /)
})
