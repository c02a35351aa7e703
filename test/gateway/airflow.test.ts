import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { workflowIdOf } from '../../workflows/contract.ts'
import { startTestGateway, type TestGateway } from './support/gateway.ts'
import { handWorker } from './support/hand-worker.ts'
import { until } from './support/until.ts'

let gateway: TestGateway

beforeAll(async () => {
  gateway = await startTestGateway()
})
afterAll(() => gateway.close())

async function send(method: 'GET' | 'POST' | 'PATCH' | 'DELETE', url: string, payload?: object) {
  return gateway.app.inject({
    method,
    url,
    headers: await gateway.headers(),
    ...(payload && { payload }),
  })
}

const end = (runId: string) => gateway.client.workflow.getHandle(workflowIdOf(runId)).terminate()
const conf = { raw_path: 'gs://raw-bucket/exports/raw-1/' }

describe.each([
  ['v1', {}],
  ['v2', { logical_date: null }],
])('/api/%s', (version, always) => {
  const path = `/api/${version}/dags/average-speed/dagRuns`

  test('a run is triggered, read, and its steps are its tasks', async () => {
    const runId = `${version}-one`
    const reply = await send('POST', path, { ...always, dag_run_id: runId, conf, note: 'by hand' })
    expect(reply.statusCode).toBe(200)
    expect(reply.json()).toMatchObject({
      dag_id: 'average-speed',
      dag_run_id: runId,
      state: 'running',
      conf,
      note: 'by hand',
    })
    const got = await send('GET', `${path}/${runId}`)
    expect(got.json()).toMatchObject({
      dag_run_id: runId,
      state: 'running',
      conf,
      note: 'by hand',
      run_type: 'manual',
    })
    await handWorker(gateway.client, 'test-queue').note({
      progress: {
        attempt: 2,
        steps: [
          {
            name: 'claimBatch',
            state: 'done',
            startedAt: '2019-03-01T00:00:00.000Z',
            endedAt: '2019-03-01T00:00:02.000Z',
          },
          { name: 'createCluster', state: 'running', startedAt: '2019-03-01T00:00:02.000Z' },
          { name: 'runSparkJob', state: 'pending' },
        ],
      },
    })
    const tasks = (await send('GET', `${path}/${runId}/taskInstances`)).json()
    expect(tasks.total_entries).toBe(3)
    expect(tasks.task_instances).toMatchObject([
      { task_id: 'claimBatch', state: 'success', duration: 2, try_number: 2 },
      { task_id: 'createCluster', state: 'running', end_date: null },
      { task_id: 'runSparkJob', state: null, try_number: 0 },
    ])
    await end(runId)
    expect((await send('GET', `${path}/${runId}`)).json().state).toBe('failed')
  })

  test('a run id that exists is 409, whoever asks', async () => {
    const body = { ...always, dag_run_id: `${version}-twice`, conf }
    expect((await send('POST', path, body)).statusCode).toBe(200)
    const again = await send('POST', path, body)
    expect(again.statusCode).toBe(409)
    expect(again.json().detail).toMatch(/exists already/)
    await end(`${version}-twice`)
  })

  test('the state "failed" cancels; nothing else can be set', async () => {
    const runId = `${version}-patched`
    await send('POST', path, { ...always, dag_run_id: runId, conf })
    expect((await send('PATCH', `${path}/${runId}`, { state: 'success' })).json().detail).toBe(
      'state must be one of failed. It cancels the run. To do a run again, POST to /runs/<run id>/retry.',
    )
    const reply = await send('PATCH', `${path}/${runId}`, { state: 'failed' })
    expect(reply.statusCode).toBe(200)
    await handWorker(gateway.client, 'test-queue').cancel()
    expect((await send('GET', `${path}/${runId}`)).json().state).toBe('failed')
    expect((await send('PATCH', `${path}/${runId}`, { state: 'failed' })).statusCode).toBe(409)
  })

  test('runs are listed by state, limit and offset, and counted', async () => {
    const ids = [1, 2, 3].map((i) => `${version}-listed-${i}`)
    for (const id of ids) await send('POST', path, { ...always, dag_run_id: id, conf })
    const list = async (query: string) => (await send('GET', `${path}?${query}`)).json()
    await until(async () => (await list('state=running')).total_entries === 3)
    const all = (await list('state=running')).dag_runs.map((run: { dag_run_id: string }) => run.dag_run_id)
    expect(all.sort()).toEqual(ids)
    const page = await list('state=running&state=failed&limit=2&offset=1&order_by=-start_date')
    expect(page.dag_runs).toHaveLength(2)
    expect(page.total_entries).toBeGreaterThan(3)
    expect(await list('state=queued')).toEqual({ dag_runs: [], total_entries: 0 })
    expect((await list('limit=0')).dag_runs).toEqual([])
    for (const query of ['order_by=run_id', 'offset=1001', 'conf_contains=x', 'state=gone']) {
      expect((await send('GET', `${path}?${query}`)).statusCode).toBe(400)
    }
    for (const id of ids) await end(id)
  })

  test.each<[string, 'GET' | 'POST' | 'DELETE', string, object | undefined, number]>([
    ['another DAG', 'POST', `/api/${version}/dags/other/dagRuns`, { ...always, conf }, 404],
    ['no such run', 'GET', `${path}/nowhere`, undefined, 404],
    ['conf without a path', 'POST', path, { ...always }, 400],
    ['conf that is a text', 'POST', path, { ...always, conf: 'x' }, 400],
    ['another bucket', 'POST', path, { ...always, conf: { raw_path: 'gs://other/x/raw-1/' } }, 403],
    ['a bad date', 'POST', path, { conf, logical_date: 'soon' }, 400],
    ['a date that the calendar lacks', 'POST', path, { conf, logical_date: '2019-13-01' }, 400],
    ['delete', 'DELETE', `${path}/x`, undefined, 405],
    ['an address of Airflow that is not here', 'GET', `/api/${version}/pools`, undefined, 404],
  ])('%s is refused in the shape of its generation', async (_title, method, url, body, status) => {
    const reply = await send(method, url, body)
    expect(reply.statusCode).toBe(status)
    const problem = { type: 'about:blank', title: expect.any(String), status, detail: expect.any(String) }
    expect(reply.json()).toEqual(version === 'v1' ? problem : { detail: expect.any(String) })
  })

  test('a run id is made of the logical date', async () => {
    const year = version === 'v1' ? 2018 : 2019
    const body = { conf, logical_date: `${year}-03-23T20:21:09Z` }
    const { dag_run_id } = (await send('POST', path, body)).json()
    expect(dag_run_id).toBe(`manual__${year}-03-23T20:21:09+00:00`)
    await end(dag_run_id)
  })
})

test('v2: what is not offered says so, and logical_date must be sent', async () => {
  const path = '/api/v2/dags/average-speed/dagRuns'
  expect((await send('POST', path, { conf })).json()).toEqual({
    detail: 'logical_date is missing in the body.',
  })
  const later = await send('POST', path, { conf, logical_date: null, run_after: '2100-01-01T00:00:00Z' })
  expect(later.statusCode).toBe(400)
  expect(later.json().detail).toBe('run_after must be null. It is not offered: a run begins at once.')
})

test('v2: wait gives a line at every look, the last with the end', async () => {
  const path = '/api/v2/dags/average-speed/dagRuns'
  await send('POST', path, { conf, logical_date: null, dag_run_id: 'waited' })
  const waiting = send('GET', `${path}/waited/wait?interval=1`)
  await handWorker(gateway.client, 'test-queue').complete({})
  const reply = await waiting
  expect(reply.headers['content-type']).toMatch(/ndjson/)
  const states = reply.body
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).state)
  expect(states.at(-1)).toBe('success')
  const once = await gateway.app.inject({
    url: `${path}/waited/wait?interval=1`,
    headers: await gateway.headers({ accept: 'application/json' }),
  })
  expect(once.json()).toEqual({ state: 'success' })
  expect((await send('GET', `${path}/waited/wait?interval=0`)).statusCode).toBe(400)
  expect((await send('GET', `${path}/nowhere/wait?interval=1`)).statusCode).toBe(404)
})

test('health and version are open', async () => {
  expect((await gateway.app.inject('/api/v2/monitor/health')).json()).toMatchObject({
    metadatabase: { status: 'healthy' },
    scheduler: { status: 'healthy' },
  })
  expect((await gateway.app.inject('/api/v1/health')).statusCode).toBe(200)
  expect((await gateway.app.inject('/api/v2/version')).json().version).toMatch(/^3\./)
})

test('experimental: runs are listed, and found by their execution date', async () => {
  const path = '/api/experimental/dags/average-speed/dag_runs'
  const body = { run_id: 'dated', conf, execution_date: '2019-04-01T10:00:00+00:00' }
  expect((await send('POST', path, body)).statusCode).toBe(200)
  await until(async () => {
    const reply = await send('GET', `${path}/2019-04-01T10:00:00`)
    return reply.statusCode === 200 && reply.json().state === 'running'
  })
  const list = (await send('GET', `${path}?state=Running`)).json()
  expect(list).toEqual([
    {
      id: 1,
      run_id: 'dated',
      state: 'running',
      dag_id: 'average-speed',
      execution_date: '2019-04-01T10:00:00+00:00',
      start_date: expect.any(String),
      dag_run_url: '/runs/dated',
    },
  ])
  expect((await send('GET', `${path}/2019-04-02`)).json()).toEqual({
    error: 'There is no run of the execution date 2019-04-02T00:00:00+00:00.',
  })
  const manual = await send('POST', path, { conf, execution_date: '2019-04-03T10:00:00Z' })
  expect(manual.statusCode).toBe(200)
  expect((await send('GET', `${path}/2019-04-03T10:00:00+00:00`)).statusCode).toBe(200)
  expect((await send('GET', '/api/experimental/test')).json()).toEqual({ status: 'OK' })
  for (const id of ['dated', 'manual__2019-04-03T10:00:00+00:00']) await end(id)
})
