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

async function send(
  method: 'GET' | 'POST' | 'DELETE',
  url: string,
  payload?: object,
  caller = 'caller@example.com',
) {
  return gateway.app.inject({
    method,
    url,
    headers: await gateway.headersOf(caller),
    ...(payload && { payload }),
  })
}

const start = (runId: string, rawPath = `exports/raw-${runId}`) =>
  send('POST', '/runs', { run_id: runId, raw_path: rawPath })
const worker = () => handWorker(gateway.client, 'test-queue')
const failure = { message: 'Nothing there.', type: 'RawFilesMissing' }

describe('Cancel', () => {
  test('a run that goes on is asked to end, and asking twice is asking once', async () => {
    await start('to-cancel')
    for (let i = 0; i < 2; i += 1) {
      const reply = await send('POST', '/runs/to-cancel/cancel')
      expect(reply.statusCode).toBe(202)
      expect(reply.json()).toMatchObject({ run_id: 'to-cancel', status: 'running' })
    }
    await worker().cancel()
    expect((await send('GET', '/runs/to-cancel')).json()).toMatchObject({
      status: 'cancelled',
      failure: { type: 'Cancelled' },
    })
    const late = await send('POST', '/runs/to-cancel/cancel')
    expect(late.statusCode).toBe(409)
    expect(late.json().detail).toMatch(/has ended \(cancelled\)/)
  })

  test('a run that is not there is 404', async () => {
    expect((await send('POST', '/runs/nowhere/cancel')).statusCode).toBe(404)
  })
})

describe('Retry', () => {
  test('a failed run begins anew under its id, with its own input', async () => {
    const first = (await start('to-retry')).json()
    await worker().fail(failure)
    const reply = await send('POST', '/runs/to-retry/retry')
    expect(reply.statusCode).toBe(202)
    expect(reply.headers['location']).toBe('/runs/to-retry')
    expect(reply.json()).toMatchObject({ run_id: 'to-retry', status: 'running', raw_path: first.raw_path })
    expect(reply.json().links.web_ui).not.toBe(first.links.web_ui)
    expect((await send('POST', '/runs/to-retry/retry')).statusCode).toBe(409)
    expect((await start('to-retry')).json().links).toEqual(reply.json().links)
    await worker().complete({})
    const done = await send('POST', '/runs/to-retry/retry')
    expect(done.statusCode).toBe(409)
    expect(done.json().detail).toMatch(/reload label/)
  })

  test('of many retries at the same moment one starts the run, and all name it', async () => {
    await start('crowd')
    await gateway.client.workflow.getHandle(workflowIdOf('crowd')).terminate()
    const replies = await Promise.all(Array.from({ length: 20 }, () => send('POST', '/runs/crowd/retry')))
    const accepted = replies.filter((reply) => reply.statusCode === 202)
    expect(accepted.length).toBeGreaterThan(0)
    expect(replies.every((reply) => reply.statusCode === 202 || reply.statusCode === 409)).toBe(true)
    expect(new Set(accepted.map((reply) => reply.json().links.web_ui)).size).toBe(1)
    await gateway.client.workflow.getHandle(workflowIdOf('crowd')).terminate()
  })

  test('a run that was started by hand is retried by an operator with the input in its history', async () => {
    const handle = await gateway.client.workflow.start('averageSpeed', {
      workflowId: 'by-hand',
      taskQueue: 'test-queue',
      args: [{ rawPath: 'exports/raw-by-hand' }],
    })
    await handle.terminate()
    const reply = await send('POST', '/runs/by-hand/retry', undefined, 'operator@example.com')
    expect(reply.json()).toMatchObject({
      workflow_id: 'by-hand',
      raw_path: 'gs://raw-bucket/exports/raw-by-hand/',
    })
    await gateway.client.workflow.getHandle('by-hand').terminate()
  })
})

describe('List', () => {
  const list = async (query: string) => (await send('GET', `/runs?${query}`)).json()
  const ids = (page: { runs: { run_id: string }[] }) => page.runs.map((run) => run.run_id)

  beforeAll(async () => {
    for (let i = 1; i <= 5; i += 1) await start(`listed-${i}`, "exports/o'clock/raw-listed")
    await until(async () => ids(await list("raw_path=exports/o'clock/raw-listed")).length === 5)
  })

  test('filters are combined, and quotes in them are harmless', async () => {
    await gateway.client.workflow.getHandle(workflowIdOf('listed-5')).terminate()
    const query = `raw_path=${encodeURIComponent("gs://raw-bucket/exports/o'clock/raw-listed/")}&started_by=CALLER@example.com`
    await until(async () => ids(await list(`${query}&status=terminated`)).length === 1)
    expect(ids(await list(`${query}&status=running`))).toEqual([
      'listed-4',
      'listed-3',
      'listed-2',
      'listed-1',
    ])
    expect(ids(await list('started_by=x%27+OR+1%3D1'))).toEqual([])
    expect(ids(await list('started_after=2100-01-01T00:00:00Z'))).toEqual([])
    expect(ids(await list('started_before=2000-01-01T00:00:00Z'))).toEqual([])
    expect(ids(await list('step=loadTable'))).toEqual([])
  })

  test('pages follow each other by cursor, and the last has none', async () => {
    const seen: string[] = []
    let cursor = ''
    do {
      const page = await list(`raw_path=exports/o'clock/raw-listed&limit=2${cursor}`)
      seen.push(...ids(page))
      cursor = page.next_cursor === undefined ? '' : `&cursor=${page.next_cursor}`
    } while (cursor !== '')
    // Visibility on SQL: those that go on first, then the last to end.
    expect(seen).toEqual(['listed-4', 'listed-3', 'listed-2', 'listed-1', 'listed-5'])
  })

  test.each([
    ['cursor=Z2FyYmFnZQ', /cursor is not one/],
    ['cursor=%00', /^cursor/],
    ['limit=0', /^limit must be >= 1/],
    ['limit=many', /^limit must be integer/],
    ['status=gone', /^status must be one of queued, running/],
    ['started_after=yesterday', /^started_after must be a date and time/],
    ['raw_path=gs://other-bucket/raw-1/', /does not allow/],
    ['colour=red', /"colour"\. Known are: status/],
  ])('%s is refused', async (query, sentence) => {
    const reply = await send('GET', `/runs?${query}`)
    expect(reply.json().detail).toMatch(sentence)
    expect([400, 403]).toContain(reply.statusCode)
  })
})

test('a method that a path does not have is 405, and Allow tells which it has', async () => {
  const reply = await send('DELETE', '/runs/x')
  expect(reply.statusCode).toBe(405)
  expect(reply.headers['allow']).toBe('GET, HEAD')
  expect((await send('DELETE', '/healthz')).statusCode).toBe(405)
  const experimental = await send('DELETE', '/api/experimental/dags/average-speed/dag_runs')
  expect(experimental.statusCode).toBe(405)
  expect(experimental.json()).toEqual({ error: expect.stringMatching(/^DELETE is not possible here/) })
})
