import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { workflowIdOf } from '../../workflows/contract.ts'
import { startTestGateway, type TestGateway, workflowIds } from './support/gateway.ts'

const URL = '/api/experimental/dags/average-speed/dag_runs'
let gateway: TestGateway

beforeAll(async () => {
  gateway = await startTestGateway()
})
afterAll(() => gateway.close())

async function trigger(payload: string, headers: Record<string, string> = {}, url = URL) {
  return gateway.app.inject({ method: 'POST', url, headers: await gateway.headers(headers), payload })
}

async function inputOf(runId: string) {
  return (await gateway.client.workflow.getHandle(workflowIdOf(runId)).describe()).memo?.['input']
}

test('the original trigger is answered as Airflow does, without a Content-Type', async () => {
  const conf = JSON.stringify({
    raw_path: 'gs://raw-bucket/exports/raw-1/',
    transformed_path: 'exports/transformed-1',
    failed_path: 'exports/failed-1/',
  })
  const reply = await trigger(JSON.stringify({ run_id: 'post-triggered-run-1', conf }))
  expect(reply.statusCode).toBe(200)
  const { execution_date, message } = reply.json()
  expect(reply.json().run_id).toBe('post-triggered-run-1')
  expect(execution_date).toMatch(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\+00:00$/)
  expect(message).toBe(
    `Created <DagRun average-speed @ ${execution_date.replace('T', ' ')}: post-triggered-run-1, externally triggered: True>`,
  )
  expect(await inputOf('post-triggered-run-1')).toEqual({ rawPath: 'gs://raw-bucket/exports/raw-1/' })
})

test.each([
  ['an object', { conf: { raw_path: 'exports/raw-2' } }],
  [
    'a Python literal',
    { conf: "{'raw_path': u'gs://raw-bucket/exports/raw-2/', 'failed_path': 'exports/failed-2/',}" },
  ],
])('conf may be %s', async (title, body) => {
  const runId = `conf-${title.length}`
  const reply = await trigger(JSON.stringify({ run_id: runId, ...body }), { 'content-type': 'text/plain' })
  expect(reply.statusCode).toBe(200)
  expect(await inputOf(runId)).toEqual({ rawPath: 'gs://raw-bucket/exports/raw-2/' })
})

test('what curl -d sends as a form is read as JSON', async () => {
  const reply = await trigger('{"run_id": "curl", "conf": {"raw_path": "exports/raw-3"}}', {
    'content-type': 'application/x-www-form-urlencoded',
  })
  expect(reply.statusCode).toBe(200)
})

test('a run id is made of the execution date', async () => {
  const body = { conf: { raw_path: 'exports/raw-4' }, execution_date: '2019-03-23T20:21:09.120+01:00' }
  expect((await trigger(JSON.stringify(body))).json()).toMatchObject({
    run_id: 'manual__2019-03-23T19:21:09.120000+00:00',
    execution_date: '2019-03-23T19:21:09.120000+00:00',
  })
  expect((await trigger(JSON.stringify({ ...body, replace_microseconds: 'true' }))).json()).toMatchObject({
    run_id: 'manual__2019-03-23T19:21:09+00:00',
  })
  const now = await trigger(JSON.stringify({ conf: { raw_path: 'exports/raw-4' } }))
  expect(now.json().run_id).toBe(`manual__${now.json().execution_date}`)
})

test('P1: a repeated run id is answered 200 with the existing run; for another batch it is refused', async () => {
  const body = { run_id: 'again', conf: { raw_path: 'exports/raw-5' } }
  const first = await trigger(JSON.stringify(body))
  const second = await trigger(JSON.stringify(body))
  expect(second.statusCode).toBe(200)
  expect(second.json()).toMatchObject({
    run_id: 'again',
    execution_date: first.json().execution_date,
    message: expect.stringMatching(/^Exists already: <DagRun average-speed @ /),
  })
  const other = await trigger(JSON.stringify({ ...body, conf: { raw_path: 'exports/raw-6' } }))
  expect(other.statusCode).toBe(409)
  expect(other.json().error).toMatch(/raw_path differs/)
})

describe('errors have Airflow 1.10’s shape, one clear sentence, and start nothing', () => {
  test.each<[string, string, number, RegExp]>([
    ['no body', '', 400, /./],
    ['a body that is not JSON', 'raw_path=x', 400, /JSON/],
    ['no conf', '{}', 400, /^raw_path is missing in conf\.$/],
    ['a blank conf', '{"conf": " "}', 400, /^raw_path is missing in conf\.$/],
    [
      'unquoted names',
      '{"conf": "{raw_path: gs://raw-bucket/x/raw-1/}"}',
      400,
      /neither JSON nor a Python literal: it holds the name raw_path without quotes/,
    ],
    ['a list', '{"conf": "[1]"}', 400, /conf must be an object/],
    ['a call', '{"conf": "{\'raw_path\': __import__(\'os\')}"}', 400, /the name __import__ without quotes/],
    [
      'a typing error',
      '{"conf": {"raw_pth": "x"}}',
      400,
      /"raw_pth"\. Known are: raw_path, transformed_path, failed_path/,
    ],
    ['a number as path', '{"conf": {"raw_path": 5}}', 400, /^raw_path must be string/],
    [
      'a bad date',
      '{"conf": {"raw_path": "exports/raw-1"}, "execution_date": "soon"}',
      400,
      /^execution_date is not valid\. It is an ISO 8601 date such as/,
    ],
    ['another bucket', '{"conf": {"raw_path": "gs://other-bucket/x/raw-1/"}}', 403, /does not allow/],
  ])('%s', async (_title, payload, status, sentence) => {
    const before = await workflowIds(gateway.client)
    const reply = await trigger(payload)
    expect(reply.json()).toEqual({ error: expect.stringMatching(sentence) })
    expect(reply.statusCode).toBe(status)
    expect(await workflowIds(gateway.client)).toEqual(before)
  })

  test('another DAG', async () => {
    const reply = await trigger(
      '{"conf": {"raw_path": "exports/raw-1"}}',
      {},
      URL.replace('average-speed', 'other'),
    )
    expect(reply.statusCode).toBe(404)
    expect(reply.json()).toEqual({ error: 'There is no DAG "other"; this gateway serves average-speed.' })
  })

  test('no token', async () => {
    const reply = await gateway.app.inject({ method: 'POST', url: URL, payload: '{}' })
    expect(reply.statusCode).toBe(401)
    expect(reply.json()).toEqual({ error: expect.stringMatching(/ID token/) })
  })
})
