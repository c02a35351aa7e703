import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { workflowIdOf } from '../../workflows/contract.ts'
import { startTestGateway, type TestGateway } from '../gateway/support/gateway.ts'
import { until } from '../gateway/support/until.ts'

const STABLE = (version: string) => `/api/${version}/dags/average-speed/dagRuns`
const OLD = '/api/experimental/dags/average-speed/dag_runs'
const waitFor = (runId: string) => `${STABLE('v2')}/${runId}/wait?interval=1`

let gateway: TestGateway
let url: string
let owner: Record<string, string>

beforeAll(async () => {
  gateway = await startTestGateway({ waitPlaces: { perCaller: 4, inAll: 6 } })
  await gateway.app.listen({ host: '127.0.0.1', port: 0 })
  url = `http://127.0.0.1:${(gateway.app.server.address() as AddressInfo).port}`
  owner = await gateway.headers()
  const payload = { run_id: 'long', raw_path: 'exports/raw-long' }
  const reply = await gateway.app.inject({ method: 'POST', url: '/runs', headers: owner, payload })
  expect(reply.statusCode).toBe(202)
})
afterAll(() => gateway?.close())

/** Waits, over a real connection. @returns the status, once its head is there, and the way to go away */
async function wait(headers: Record<string, string>, runId = 'long') {
  const gone = new AbortController()
  const reply = await fetch(`${url}${waitFor(runId)}`, { headers, signal: gone.signal })
  return { status: reply.status, reply, leave: () => gone.abort() }
}

describe('finding 10: waits', () => {
  test('finding 10: beyond a caller’s own are refused at once, and all others are served as ever', async () => {
    const describe = jest.spyOn(gateway.client.workflowService, 'describeWorkflowExecution')
    const attempts = await Promise.all(Array.from({ length: 300 }, () => wait(owner)))
    const waiting = attempts.filter(({ status }) => status === 200)
    expect(waiting).toHaveLength(4)
    for (const { status, reply } of attempts.filter((one) => !waiting.includes(one))) {
      expect(status).toBe(429)
      expect(Number(reply.headers.get('retry-after'))).toBeGreaterThan(0)
    }
    const refused = attempts.find(({ status }) => status === 429)
    expect(await refused?.reply.json()).toEqual({
      detail: expect.stringMatching(/^Too many waits at once: at most 4 of one caller\./),
    })
    const began = performance.now()
    expect((await fetch(`${url}/readyz`)).status).toBe(200)
    expect((await fetch(`${url}/runs/long`, { headers: owner })).status).toBe(200)
    expect(performance.now() - began).toBeLessThan(2_000)
    // Those who wait for one run share their looks at it: some two a second for all, and not one for each.
    const before = describe.mock.calls.length
    await new Promise((resolve) => setTimeout(resolve, 2_500))
    expect(describe.mock.calls.length - before).toBeLessThanOrEqual(4)
    describe.mockRestore()
    for (const { leave } of waiting) leave()
  })

  test('finding 10: of all callers have a limit, too, and who goes away makes room', async () => {
    const [other, operator] = [
      await gateway.headersOf('other@example.com'),
      await gateway.headersOf('operator@example.com'),
    ]
    const payload = { run_id: 'others', raw_path: 'exports/raw-others' }
    await gateway.app.inject({ method: 'POST', url: '/runs', headers: other, payload })
    const held: Awaited<ReturnType<typeof wait>>[] = []
    await until(async () => {
      const one = await wait(owner)
      if (one.status === 200) held.push(one)
      return held.length === 4
    })
    for (let i = 0; i < 2; i += 1) held.push(await wait(other, 'others'))
    expect(held.map(({ status }) => status)).toEqual(Array(6).fill(200))
    const full = await wait(operator)
    expect(full.status).toBe(503)
    expect(Number(full.reply.headers.get('retry-after'))).toBeGreaterThan(0)
    held[0]?.leave()
    const began = performance.now()
    await until(async () => (await wait(operator)).status === 200)
    expect(performance.now() - began).toBeLessThan(2_000)
    for (const { leave } of held) leave()
  })

  test('finding 10: that find no run, or have found its end, give their place back', async () => {
    const headers = await gateway.headersOf('operator@example.com')
    for (let i = 0; i < 10; i += 1) {
      expect((await gateway.app.inject({ url: waitFor('nowhere'), headers })).statusCode).toBe(404)
    }
    await gateway.client.workflow.getHandle(workflowIdOf('others')).terminate()
    for (let i = 0; i < 10; i += 1) {
      const reply = await gateway.app.inject({ url: waitFor('others'), headers })
      expect(reply.body).toBe('{"state":"failed"}\n')
    }
  })

  test('finding 10: so do lists, which cost many pages', async () => {
    for (const path of ['/runs', OLD, `${STABLE('v1')}?limit=1000&offset=1000`, STABLE('v2')]) {
      const replies = await Promise.all(
        Array.from({ length: 40 }, () => gateway.app.inject({ url: path, headers: owner })),
      )
      const statuses = new Set(replies.map(({ statusCode }) => statusCode))
      expect([path, ...statuses].sort()).toEqual([200, 429, path].sort())
      expect((await gateway.app.inject({ url: path, headers: owner })).statusCode).toBe(200)
    }
  })
})

describe('finding 15: the probes that are open to all', () => {
  test('finding 15: ask Temporal once a second at most, however often they are asked', async () => {
    const asked = jest.spyOn(gateway.client.workflowService, 'describeNamespace')
    const until = Date.now() + 1_500
    let probes = 0
    while (Date.now() < until) {
      for (const path of ['/readyz', '/api/v1/health', '/api/v2/monitor/health']) {
        expect((await gateway.app.inject(path)).statusCode).toBe(200)
        probes += 1
      }
    }
    expect(probes).toBeGreaterThan(20)
    expect(asked.mock.calls.length).toBeLessThanOrEqual(2)
    asked.mockRestore()
  })
})

describe('finding 14: values that nothing can have', () => {
  const run = `${STABLE('v2')}/long`
  const dated = (date: string) => encodeURIComponent(date)

  test.each(['%00', 'a%00b', '%01', 'a%0ab', '%0d', '%1b[31m', '%7f', '%c2%80'])(
    'finding 14: %s is 400 in every parameter of every route',
    async (value) => {
      const names = [
        'status',
        'started_by',
        'raw_path',
        'step',
        'started_after',
        'started_before',
        'limit',
        'cursor',
      ]
      const stable = ['limit', 'offset', 'order_by', 'state', 'start_date_gte', 'start_date_lt']
      const targets: ['GET' | 'POST' | 'PATCH', string][] = [
        ...names.map((name): ['GET', string] => ['GET', `/runs?${name}=${value}`]),
        ...['v1', 'v2'].flatMap((version) =>
          stable.map((name): ['GET', string] => ['GET', `${STABLE(version)}?${name}=${value}`]),
        ),
        ...['v1', 'v2'].flatMap((version): ['GET' | 'POST' | 'PATCH', string][] => [
          ['GET', `${STABLE(version)}/${value}`],
          ['PATCH', `${STABLE(version)}/${value}`],
          ['GET', `${STABLE(version)}/${value}/taskInstances`],
          ['POST', `/api/${version}/dags/${value}/dagRuns`],
        ]),
        ['GET', `/runs/${value}`],
        ['POST', `/runs/${value}/cancel`],
        ['POST', `/runs/${value}/retry`],
        ['GET', `${OLD}?state=${value}`],
        ['GET', `${OLD}/${value}`],
        ['GET', `/api/experimental/dags/${value}/dag_runs`],
        ['GET', `${run}/wait?interval=${value}`],
        ['GET', `${STABLE('v2')}/${value}/wait?interval=1`],
      ]
      for (const [method, target] of targets) {
        const payload = method === 'PATCH' ? { payload: { state: 'failed' } } : {}
        const reply = await gateway.app.inject({ method, url: target, headers: owner, ...payload })
        expect([target, reply.statusCode]).toEqual([target, 400])
      }
    },
  )

  test.each([
    '2016-12-31T23:59:60Z',
    '9999-12-31T23:59:59-23:00',
    '0000-01-01T00:00:00+01:00',
    '2019-02-30T00:00:00Z',
    '9999-12-31T23:59:59.999Z',
    '0000-12-31T23:59:59.999Z',
  ])('finding 14: the moment %s is 400 wherever one may be sent', async (moment) => {
    const body = { conf: { raw_path: 'exports/raw-1' } }
    const targets: ['GET' | 'POST', string, object?][] = [
      ['GET', `/runs?started_after=${dated(moment)}`],
      ['GET', `/runs?started_before=${dated(moment)}`],
      ['GET', `${STABLE('v1')}?start_date_gte=${dated(moment)}`],
      ['GET', `${STABLE('v2')}?start_date_lt=${dated(moment)}`],
      ['GET', `${OLD}/${dated(moment)}`],
      ['POST', OLD, { ...body, execution_date: moment }],
      ['POST', STABLE('v1'), { ...body, logical_date: moment }],
      ['POST', STABLE('v1'), { ...body, execution_date: moment }],
      ['POST', STABLE('v2'), { ...body, logical_date: moment }],
    ]
    for (const [method, target, payload] of targets) {
      const reply = await gateway.app.inject({
        method,
        url: target,
        headers: owner,
        ...(payload && { payload }),
      })
      expect([target, reply.statusCode]).toEqual([target, 400])
    }
  })

  test.each(['9999-12-31T23:59:59.998Z', '0001-01-01T00:00:00Z'])(
    'finding 14: a run of the moment %s is found by it',
    async (moment) => {
      const ask = async (method: 'GET' | 'POST', url: string, payload?: object) =>
        gateway.app.inject({ method, url, headers: owner, ...(payload && { payload }) })
      const body = { conf: { raw_path: 'exports/raw-1' }, execution_date: moment }
      const { run_id } = (await ask('POST', OLD, body)).json()
      await until(async () => (await ask('GET', '/runs?limit=100')).body.includes(run_id))
      expect((await ask('GET', `${OLD}/${moment}`)).statusCode).toBe(200)
      await gateway.client.workflow.getHandle(workflowIdOf(run_id)).terminate()
    },
  )

  test('finding 14: a note with half a character starts a run all the same', async () => {
    const body = { dag_run_id: 'noted', conf: { raw_path: 'exports/raw-noted' }, note: '\ud800 \0 \u2028' }
    const reply = await gateway.app.inject({
      method: 'POST',
      url: STABLE('v1'),
      headers: owner,
      payload: body,
    })
    expect(reply.statusCode).toBe(200)
    await gateway.client.workflow.getHandle(workflowIdOf('noted')).terminate()
  })
})
