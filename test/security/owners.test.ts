import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { buildApp } from '../../src/gateway/app.ts'
import { workflowIdOf } from '../../workflows/contract.ts'
import { startTestGateway, type TestGateway } from '../gateway/support/gateway.ts'
import { handWorker } from '../gateway/support/hand-worker.ts'
import { until } from '../gateway/support/until.ts'

const [OWNER, OTHER, OPERATOR] = ['caller@example.com', 'other@example.com', 'operator@example.com'] as const
const STABLE = (version: string) => `/api/${version}/dags/average-speed/dagRuns`
const OLD = '/api/experimental/dags/average-speed/dag_runs'

type Method = 'GET' | 'POST' | 'PATCH'
let gateway: TestGateway
let elsewhere: Awaited<ReturnType<typeof buildApp>>

beforeAll(async () => {
  gateway = await startTestGateway()
  const { config, client } = gateway
  elsewhere = await buildApp({
    config: {
      ...config,
      pipeline: { ...config.pipeline, deployment: 'elsewhere' },
      temporal: { ...config.temporal, taskQueue: 'elsewhere-queue' },
    },
    temporal: client,
    maxLoopDelayMs: 0,
  })
})
afterAll(async () => {
  await elsewhere?.close()
  await gateway?.close()
})

async function send(caller: string, method: Method, url: string, payload?: object, app = gateway.app) {
  const headers = await gateway.headersOf(caller)
  return app.inject({ method, url, headers, ...(payload && { payload }) })
}

const start = (runId: string, caller: string = OWNER, more: object = {}) =>
  send(caller, 'POST', '/runs', { run_id: runId, raw_path: `exports/raw-${runId}`, ...more })
const get = async (caller: string, runId: string) => (await send(caller, 'GET', `/runs/${runId}`)).json()
const handle = (runId: string) => gateway.client.workflow.getHandle(workflowIdOf(runId))
const worker = () => handWorker(gateway.client, 'test-queue')

async function listed(caller: string, query = '', app = gateway.app): Promise<string[]> {
  const { runs } = (await send(caller, 'GET', `/runs?limit=100&${query}`, undefined, app)).json()
  return runs.map((run: { run_id: string }) => run.run_id)
}

/** Every way to a run by its name, in every generation. */
const waysTo = (runId: string): readonly [Method, string, object?][] => [
  ['GET', `/runs/${runId}`],
  ['POST', `/runs/${runId}/cancel`],
  ['POST', `/runs/${runId}/retry`],
  ['GET', `${OLD}/2019-05-01T00:00:00+00:00`],
  ...['v1', 'v2'].flatMap((version): [Method, string, object?][] => [
    ['GET', `${STABLE(version)}/${runId}`],
    ['PATCH', `${STABLE(version)}/${runId}`, { state: 'failed' }],
    ['GET', `${STABLE(version)}/${runId}/taskInstances`],
  ]),
  ['GET', `${STABLE('v2')}/${runId}/wait?interval=1`],
]

/** Every way to start a run under a name that is taken. */
const startsOf = (runId: string): readonly [string, object][] => {
  const conf = { raw_path: `exports/raw-${runId}` }
  return [
    ['/runs', { run_id: runId, ...conf }],
    [OLD, { run_id: runId, conf }],
    [STABLE('v1'), { dag_run_id: runId, conf }],
    [STABLE('v2'), { dag_run_id: runId, conf, logical_date: null }],
  ]
}

describe('finding 9: a run is its starter’s', () => {
  beforeAll(async () => {
    await start('owned')
    const dated = { run_id: 'dated', conf: { raw_path: 'exports/raw-dated' }, execution_date: '2019-05-01' }
    await send(OWNER, 'POST', OLD, dated)
    await until(async () => (await listed(OWNER)).length >= 2)
  })
  afterAll(async () => {
    for (const id of ['owned', 'dated']) await handle(id).terminate()
  })

  test.each(waysTo('owned'))('finding 9: for another caller it does not exist: %s %s', async (...way) => {
    const reply = await send(OTHER, ...way)
    expect(reply.statusCode).toBe(404)
    const absent = (await send(OTHER, way[0], way[1].replace('owned', 'absent'), way[2])).body
    const neutral = (text: string) => text.replace(/"request_id":"[^"]*"/, '').replaceAll('absent', 'owned')
    expect(neutral(reply.body)).toBe(neutral(absent))
    expect(reply.body).not.toContain('@')
  })

  test.each(startsOf('owned'))(
    'finding 9: its name cannot be squatted, and tells nothing: POST %s',
    async (url, body) => {
      for (const caller of [OTHER, OPERATOR]) {
        for (const payload of [body, JSON.parse(JSON.stringify(body).replace('raw-owned', 'raw-another'))]) {
          const reply = await send(caller, 'POST', url, payload)
          expect(reply.statusCode).toBe(409)
          expect(reply.body).toContain('is taken. Choose another.')
          expect(reply.body).not.toMatch(/@|raw-|differ|started|running/)
        }
      }
    },
  )

  test('finding 9: it is in no other caller’s list or count, and in the operators’', async () => {
    await start('mine', OTHER)
    await until(async () => (await listed(OPERATOR)).includes('mine'))
    expect(await listed(OTHER)).toEqual(['mine'])
    expect(await listed(OWNER)).not.toContain('mine')
    expect(await listed(OTHER, `started_by=${OWNER}`)).toEqual([])
    expect(await listed(OPERATOR, `started_by=${OWNER}`)).toEqual(await listed(OWNER))
    for (const version of ['v1', 'v2']) {
      expect((await send(OTHER, 'GET', STABLE(version))).json()).toMatchObject({
        dag_runs: [{ dag_run_id: 'mine' }],
        total_entries: 1,
      })
    }
    const old = (await send(OTHER, 'GET', OLD)).json()
    expect(old.map((run: { run_id: string }) => run.run_id)).toEqual(['mine'])
    await handle('mine').terminate()
  })

  test('finding 9: an attribute that somebody else has set opens no run', async () => {
    const owner = createHmac('sha256', gateway.config.secret).update(OTHER).digest('hex').slice(0, 32)
    const byHand = await gateway.client.workflow.start('averageSpeed', {
      workflowId: workflowIdOf('forged'),
      taskQueue: 'test-queue',
      args: [{ rawPath: 'exports/raw-forged' }],
      searchAttributes: { Owner: [owner], Deployment: ['test'] },
    })
    await until(async () => (await listed(OPERATOR)).includes('forged'))
    expect(await listed(OTHER)).not.toContain('forged')
    expect((await send(OPERATOR, 'GET', '/runs/forged')).statusCode).toBe(200)
    expect((await send(OPERATOR, 'GET', '/runs/forged', undefined, elsewhere)).statusCode).toBe(404)
    expect((await send(OTHER, 'GET', '/runs/forged')).statusCode).toBe(404)
    expect((await start('forged', OTHER)).statusCode).toBe(409)
    await byHand.terminate()
  })
})

describe('finding 9: a client without a run id', () => {
  const conf = { raw_path: 'exports/raw-dated' }
  const old = (caller: string, more: object) => send(caller, 'POST', OLD, { conf, ...more })
  const end = async (...ids: string[]) => {
    for (const id of ids) await handle(id).terminate()
  }

  test('finding 9: finds its own run of a date, though another caller had the usual name first', async () => {
    const date = '2019-06-01T00:00:00+00:00'
    const usual = `manual__${date}`
    await start(usual, OTHER)
    const first = await old(OWNER, { execution_date: date })
    const runId = first.json().run_id
    expect([first.statusCode, first.json().message]).toEqual([200, expect.stringMatching(/^Created /)])
    expect(runId).toMatch(/^manual__2019-06-01T00:00:00\+00:00_[0-9a-f]{16}$/)
    const byDate = async (caller: string) => (await send(caller, 'GET', `${OLD}/${date}`)).json().state
    expect(await byDate(OWNER)).toBe('running')
    expect((await old(OWNER, { execution_date: date })).json()).toMatchObject({
      run_id: runId,
      message: expect.stringMatching(/^Exists already: /),
    })
    const another = await old(OWNER, { execution_date: date, conf: { raw_path: 'exports/raw-other' } })
    expect([another.statusCode, another.json().error]).toEqual([409, expect.stringContaining('raw_path')])
    for (const version of ['v1', 'v2']) {
      const again = await send(OWNER, 'POST', STABLE(version), { conf, logical_date: date })
      expect([again.statusCode, again.body]).toEqual([409, expect.stringContaining(runId)])
    }
    // The operator's own is another one again, and is what it finds by the date, whatever others start later.
    const operators = (await old(OPERATOR, { execution_date: date })).json().run_id
    expect([usual, runId]).not.toContain(operators)
    await end(operators)
    await until(async () => (await listed(OPERATOR, 'status=terminated')).includes(operators))
    expect(await byDate(OPERATOR)).toBe('failed')
    expect(await byDate(OWNER)).toBe('running')
    await end(usual, runId)
  })

  test('finding 9: gets a run of its own, whoever has started others in the same second', async () => {
    const second = Math.floor(Date.now() / 1000)
    const squatted = Array.from({ length: 8 }, (_, i) =>
      new Date((second + i) * 1000).toISOString().replace('.000Z', '+00:00'),
    ).map((date) => `manual__${date}`)
    await Promise.all(squatted.map((id) => start(id, OTHER)))
    const replies = await Promise.all(
      [1, 2, 3].map((n) => old(OWNER, { conf: { raw_path: `exports/raw-${n}` } })),
    )
    expect(replies.map((reply) => reply.statusCode)).toEqual([200, 200, 200])
    const ids = replies.map((reply) => reply.json().run_id)
    expect(new Set([...ids, ...squatted]).size).toBe(11)
    await end(...ids, ...squatted)
  })
})

describe('finding 14: a run that was retried', () => {
  test('finding 14: is once in a page and in all pages, and counts once', async () => {
    for (const id of ['once', 'often']) await start(id, OPERATOR)
    await handle('once').terminate()
    for (let n = 0; n < 5; n += 1) {
      await handle('often').terminate()
      await send(OPERATOR, 'POST', '/runs/often/retry')
    }
    await handle('often').terminate()
    const since = (await get(OPERATOR, 'once')).started_at
    const page = async (limit: number, offset = 0) => {
      const query = `limit=${limit}&offset=${offset}&state=failed&start_date_gte=${encodeURIComponent(since)}`
      const reply = (await send(OPERATOR, 'GET', `${STABLE('v1')}?${query}`)).json()
      return [reply.dag_runs.map((run: { dag_run_id: string }) => run.dag_run_id), reply.total_entries]
    }
    await until(async () => (await page(0))[1] === 7)
    expect(await page(3)).toEqual([['often', 'once'], 2])
    expect(await page(1, 1)).toEqual([['once'], 2])
    expect(await page(2, 2)).toEqual([[], 2])
  })
})

describe('finding 9: what operators do is on record', () => {
  test('finding 9: a retry keeps the first starter, and says who asked', async () => {
    await start('again')
    await worker().fail({ message: 'Nothing there.', type: 'RawFilesMissing' })
    const retried = (await send(OPERATOR, 'POST', '/runs/again/retry')).json()
    expect(retried).toMatchObject({ started_by: OWNER, retried_by: OPERATOR })
    expect(await get(OWNER, 'again')).toMatchObject({ started_by: OWNER, retried_by: OPERATOR })
    expect((await handle('again').describe()).memo).toMatchObject({ startedBy: OWNER, retriedBy: OPERATOR })
    expect((await start('again')).statusCode).toBe(202)
    await until(async () => (await listed(OWNER, 'status=running')).includes('again'))
    await handle('again').terminate()
  })

  test('finding 9: a cancel names its caller in the run’s history, and the log does', async () => {
    for (const [runId, caller] of [
      ['stopped-1', OWNER],
      ['stopped-2', OPERATOR],
    ] as const) {
      await start(runId)
      expect((await get(OWNER, runId)).cancelled_by).toBeUndefined()
      await send(caller, 'POST', `/runs/${runId}/cancel`)
      expect((await get(OWNER, runId)).cancelled_by).toBe(caller)
      await worker().cancel()
      expect(await get(OWNER, runId)).toMatchObject({ status: 'cancelled', cancelled_by: caller })
      const { events = [] } = await handle(runId).fetchHistory()
      const [request] = events?.flatMap((e) => e.workflowExecutionCancelRequestedEventAttributes ?? []) ?? []
      expect(request).toMatchObject({ identity: caller, cause: 'asked for through the gateway' })
      const lines = gateway
        .log()
        .split('\n')
        .filter((line) => line.includes('asked the run to cancel'))
      expect(JSON.parse(lines.at(-1) ?? '{}')).toMatchObject({ caller, workflowId: workflowIdOf(runId) })
    }
  })

  test('finding 9: a cancel by other means names no process', async () => {
    await start('stopped-3')
    await handle('stopped-3').cancel()
    const run = await get(OWNER, 'stopped-3')
    expect(run.cancelled_by).toBeUndefined()
    await handle('stopped-3').terminate()
  })

  test('finding 9: a run that was started by hand is the operators’ alone, also once it is retried', async () => {
    const byHand = await gateway.client.workflow.start('averageSpeed', {
      workflowId: 'by-hand',
      taskQueue: 'test-queue',
      args: [{ rawPath: 'exports/raw-by-hand' }],
    })
    await byHand.terminate()
    expect((await send(OWNER, 'GET', '/runs/by-hand')).statusCode).toBe(404)
    expect((await send(OWNER, 'POST', '/runs/by-hand/retry')).statusCode).toBe(404)
    const reply = await send(OPERATOR, 'POST', '/runs/by-hand/retry')
    expect(reply.json()).toMatchObject({ run_id: 'by-hand', retried_by: OPERATOR })
    expect(reply.json()).not.toHaveProperty('started_by')
    expect((await send(OWNER, 'GET', '/runs/by-hand')).statusCode).toBe(404)
    await gateway.client.workflow.getHandle('by-hand').terminate()
  })
})

describe('finding 14: a cursor', () => {
  const first = async (query: string) =>
    (await send(OWNER, 'GET', `/runs?limit=1&${query}`)).json().next_cursor as string
  const next = (caller: string, query: string, cursor: string) =>
    send(caller, 'GET', `/runs?limit=1&${query}&cursor=${cursor}`)

  test('finding 14: is good for its query and its caller alone, and only as it was given', async () => {
    for (const id of ['page-1', 'page-2', 'page-3']) await start(id, OWNER, { raw_path: 'exports/raw-pages' })
    const query = 'raw_path=exports/raw-pages'
    await until(async () => (await listed(OWNER, query)).length === 3)
    const cursor = await first(query)
    expect((await next(OWNER, query, cursor)).statusCode).toBe(200)
    const bytes = Buffer.from(cursor, 'base64url')
    const forged = [
      ...Array.from({ length: bytes.length }, (_, i) => {
        const changed = Buffer.from(bytes)
        changed.writeUInt8(changed.readUInt8(i) ^ 1, i)
        return changed.toString('base64url')
      }),
      ...Array.from({ length: 20 }, (_, i) => cursor.slice(0, i + 1)),
      ...[`${cursor}A`, `${cursor}AA`, cursor.slice(1), cursor.slice(0, -1), cursor + cursor],
      Buffer.concat([createHmac('sha256', '').update(bytes.subarray(16)).digest(), bytes]).toString(
        'base64url',
      ),
    ]
    for (const one of forged) {
      expect([one, (await next(OWNER, query, one)).statusCode]).toEqual([one, 400])
    }
    for (const [caller, other] of [
      [OTHER, query],
      [OPERATOR, query],
      [OWNER, 'status=running'],
    ] as const) {
      expect((await next(caller, other, cursor)).statusCode).toBe(400)
    }
    for (const id of ['page-1', 'page-2', 'page-3']) await handle(id).terminate()
  })
})

describe('finding 19: an address in what is stored in plain text', () => {
  test('finding 19: is a pseudonym, which only the gateway’s key makes', async () => {
    await start('private')
    const { searchAttributes } = await handle('private').describe()
    expect(JSON.stringify(searchAttributes)).not.toContain('@')
    const { email, hex } = { email: OWNER, hex: /^[0-9a-f]{32}$/ }
    expect(searchAttributes['Owner']).toEqual([expect.stringMatching(hex)])
    const plain = createHmac('sha256', '').update(email).digest('hex').slice(0, 32)
    expect(searchAttributes['Owner']).not.toEqual([plain])
    await until(async () => (await listed(OWNER, `started_by=${OWNER.toUpperCase()}`)).includes('private'))
    await handle('private').terminate()
  })
})

describe('finding 20: another deployment in the namespace', () => {
  test('finding 20: neither lists, counts, reads nor touches the run, whoever asks', async () => {
    await start('here')
    await until(async () => (await listed(OWNER)).includes('here'))
    for (const caller of [OWNER, OPERATOR]) {
      expect(await listed(caller, '', elsewhere)).toEqual([])
      const counted = await send(caller, 'GET', STABLE('v1'), undefined, elsewhere)
      expect(counted.json()).toEqual({ dag_runs: [], total_entries: 0 })
      for (const [method, url, body] of waysTo('here')) {
        expect([url, (await send(caller, method, url, body, elsewhere)).statusCode]).toEqual([url, 404])
      }
      for (const [url, body] of startsOf('here')) {
        expect([url, (await send(caller, 'POST', url, body, elsewhere)).statusCode]).toEqual([url, 409])
      }
    }
    expect((await handle('here').describe()).raw.workflowExtendedInfo?.cancelRequested).toBe(false)
    await handle('here').terminate()
  })

  test('finding 20: a run that no worker has seen yet is theirs who work on its queue', async () => {
    const options = { taskQueue: 'elsewhere-queue', args: [{ rawPath: 'exports/raw-1' }] }
    const run = await gateway.client.workflow.start('averageSpeed', { workflowId: 'theirs', ...options })
    expect((await send(OPERATOR, 'GET', '/runs/theirs')).statusCode).toBe(404)
    expect((await send(OPERATOR, 'GET', '/runs/theirs', undefined, elsewhere)).statusCode).toBe(200)
    await run.terminate()
  })
})

describe('finding 2: a batch that others have run is not reloaded by a caller', () => {
  const again = { raw_path: 'exports/raw-reloaded', reload: 'again' }
  const conf = { conf: again, logical_date: null }
  beforeAll(async () => {
    await start('reloaded')
    await until(async () => (await listed(OWNER)).includes('reloaded'))
  })

  test.each([
    ['/runs', again],
    [OLD, { conf: again }],
    [STABLE('v1'), { conf: again }],
    [STABLE('v2'), conf],
    ['/runs', { ...again, raw_path: 'gs://exports/raw-reloaded//' }],
  ])('by %s', async (url, body) => {
    const reply = await send(OTHER, 'POST', url, body)
    expect([400, 403]).toContain(reply.statusCode)
    expect(reply.body).not.toContain(OWNER)
    expect(await listed(OTHER, 'raw_path=exports/raw-reloaded')).toEqual([])
  })

  test('its owner may, until another has run it; an operator always', async () => {
    expect((await send(OWNER, 'POST', '/runs', { ...again, run_id: 'own-again' })).statusCode).toBe(202)
    expect((await start('other-plain', OTHER, { raw_path: again.raw_path })).statusCode).toBe(202)
    await until(async () => (await listed(OPERATOR)).includes('other-plain'))
    expect((await send(OWNER, 'POST', '/runs', { ...again, reload: 'more' })).statusCode).toBe(403)
    const reply = await send(OPERATOR, 'POST', '/runs', { ...again, run_id: 'operators', reload: 'more' })
    expect(reply.statusCode).toBe(202)
    for (const id of ['reloaded', 'own-again', 'other-plain', 'operators']) await handle(id).terminate()
  })
})
