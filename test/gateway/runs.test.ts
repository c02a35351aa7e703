import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals'
import { RunSchema } from '../../src/gateway/schemas/run.ts'
import { checker } from '../../src/gateway/validation.ts'
import {
  type AverageSpeedResult,
  type FailureDetails,
  type RunProgress,
  workflowIdOf,
} from '../../workflows/contract.ts'
import { startTestGateway, type TestGateway, workflowIds } from './support/gateway.ts'
import { handWorker } from './support/hand-worker.ts'

let gateway: TestGateway

beforeAll(async () => {
  gateway = await startTestGateway()
})
afterAll(() => gateway.close())

const batch = (name: string) => ({ raw_path: `gs://raw-bucket/exports/raw-${name}/` })

async function post(body: object) {
  return gateway.app.inject({ method: 'POST', url: '/runs', headers: await gateway.headers(), payload: body })
}

async function get(runId: string, caller = 'caller@example.com') {
  const reply = await gateway.app.inject({
    url: `/runs/${encodeURIComponent(runId)}`,
    headers: await gateway.headersOf(caller),
  })
  if (reply.statusCode === 200) expect(checker(RunSchema, 'the reply')(reply.json())).toBeUndefined()
  return reply
}

test('a run is started with exactly these options', async () => {
  const start = jest.spyOn(gateway.client.workflow, 'start')
  const reply = await post({
    run_id: 'exact',
    raw_path: 'exports/raw-exact',
    transformed_path: 'exports/transformed-exact',
    failed_path: 'gs://raw-bucket/elsewhere/failed-exact/',
    output_table: 'my-project:my_dataset.my-table',
    write_disposition: 'WRITE_APPEND',
    max_rejects: 5,
    max_reject_share: 0.5,
    reload: 'again-1',
  })
  expect(reply.statusCode).toBe(202)
  const input = {
    rawPath: 'gs://raw-bucket/exports/raw-exact/',
    failedPath: 'gs://raw-bucket/elsewhere/failed-exact/',
    outputTable: 'my-project.my_dataset.my-table',
    writeDisposition: 'WRITE_APPEND',
    maxRejects: 5,
    maxRejectShare: 0.5,
    reload: 'again-1',
  }
  expect(start).toHaveBeenCalledTimes(1)
  const [type, { typedSearchAttributes, ...options }] = start.mock.calls[0] as unknown as [
    string,
    { typedSearchAttributes: { getAll(): unknown } },
  ]
  start.mockRestore()
  expect(type).toBe('averageSpeed')
  expect(options).toEqual({
    workflowId: 'average-speed/exact',
    taskQueue: 'test-queue',
    args: [input],
    workflowIdReusePolicy: 'REJECT_DUPLICATE',
    workflowIdConflictPolicy: 'FAIL',
    memo: { input, startedBy: 'caller@example.com' },
    staticSummary: '`raw-exact, asked for by caller@example.com`',
    staticDetails: expect.stringContaining(
      `- run_id: \`exact\`\n- asked_for_by: \`caller@example.com\`\n- raw_path: \`${input.rawPath}\`\n`,
    ),
  })
  expect(typedSearchAttributes.getAll()).toEqual([
    { key: { name: 'RawPath', type: 'KEYWORD' }, value: input.rawPath },
    { key: { name: 'Deployment', type: 'KEYWORD' }, value: 'test' },
    {
      key: { name: 'Owner', type: 'KEYWORD' },
      value: createHmac('sha256', gateway.config.secret)
        .update('caller@example.com')
        .digest('hex')
        .slice(0, 32),
    },
    { key: { name: 'RunStep', type: 'KEYWORD' }, value: 'claimBatch' },
  ])
  await gateway.client.workflow.getHandle('average-speed/exact').terminate()
})

test('a start answers 202 with the place of the run, and links', async () => {
  const reply = await post({ run_id: 'r+1:2@x', ...batch('1') })
  expect(reply.statusCode).toBe(202)
  expect(reply.headers['location']).toBe('/runs/r%2B1%3A2%40x')
  expect(reply.json()).toMatchObject({
    run_id: 'r+1:2@x',
    status: 'running',
    started_by: 'caller@example.com',
    raw_path: 'gs://raw-bucket/exports/raw-1/',
    links: {
      self: '/runs/r%2B1%3A2%40x',
      web_ui: expect.stringMatching(
        /^http:\/\/ui\.test\/namespaces\/default\/workflows\/average-speed%2Fr%2B1%3A2%40x\/[0-9a-f-]+\/history$/,
      ),
    },
  })
  await gateway.client.workflow.getHandle(workflowIdOf('r+1:2@x')).terminate()
})

test('a run id is made when none is given', async () => {
  const one = await post(batch('2'))
  const two = await post(batch('2'))
  expect(one.json().run_id).not.toBe(two.json().run_id)
  for (const reply of [one, two])
    await gateway.client.workflow.getHandle(reply.json().workflow_id).terminate()
})

test('P1: the same request again gives the same run, another one under its id is 409 and says what differs', async () => {
  const first = await post({ run_id: 'twice', ...batch('3') })
  const same = await post({
    run_id: 'twice',
    raw_path: 'exports/raw-3',
    transformed_path: 'exports/transformed-3',
  })
  expect(same.statusCode).toBe(202)
  expect(same.json().links).toEqual(first.json().links)
  const other = await post({ run_id: 'twice', ...batch('4'), max_rejects: 1 })
  expect(other.statusCode).toBe(409)
  expect(other.json()).toMatchObject({
    detail: expect.stringContaining('raw_path, max_rejects differ'),
    differs: ['raw_path', 'max_rejects'],
    run_id: 'twice',
  })
  await gateway.client.workflow.getHandle(workflowIdOf('twice')).terminate()
  const closed = await post({ run_id: 'twice', ...batch('3') })
  expect(closed.json()).toMatchObject({ status: 'terminated', links: first.json().links })
})

test('P1: 200 equal requests at the same moment start one run, and every answer names it', async () => {
  const replies = await Promise.all(
    Array.from({ length: 200 }, () => post({ run_id: 'crowd', ...batch('crowd') })),
  )
  expect(new Set(replies.map((reply) => reply.statusCode))).toEqual(new Set([202]))
  expect(new Set(replies.map((reply) => reply.json().links.web_ui)).size).toBe(1)
  await gateway.client.workflow.getHandle(workflowIdOf('crowd')).terminate()
})

test('a run is described while no worker runs, step by step', async () => {
  await post({ run_id: 'steps', ...batch('5') })
  expect((await get('steps')).json()).toMatchObject({
    status: 'running',
    input: { raw_path: 'gs://raw-bucket/exports/raw-5/' },
    steps: expect.arrayContaining([{ name: 'createCluster', state: 'pending' }]),
    activities: [],
  })
  await clearQueue('steps')
  await handWorker(gateway.client, 'test-queue').note({ progress: progressAt('createCluster') })
  expect((await get('steps')).json()).toMatchObject({
    attempt: 1,
    cluster_name: 'cluster-1',
    steps: expect.arrayContaining([
      { name: 'createCluster', state: 'running', started_at: '2019-03-01T00:00:00.000Z', detail: 'booting' },
    ]),
  })
  await gateway.client.workflow.getHandle(workflowIdOf('steps')).terminate('enough')
  const ended = (await get('steps')).json()
  expect(ended).toMatchObject({
    status: 'terminated',
    failure: { type: 'Terminated', message: 'The run was terminated: enough' },
    ended_at: expect.any(String),
  })
  expect(ended.steps.map((step: { state: string }) => step.state)).not.toContain('running')
})

test('a run that succeeded is described with its result', async () => {
  await post({ run_id: 'good', ...batch('6') })
  await clearQueue('good')
  const result = {
    rawPath: 'gs://raw-bucket/exports/raw-6/',
    outputTable: 'p.d.t',
    writeDisposition: 'WRITE_APPEND',
    manifestUri: 'gs://raw-bucket/exports/batch-6/manifest.ndjson',
    files: 1,
    bytes: 2,
    rowsRead: 3,
    rowsWritten: 3,
    rowsRejected: 0,
    rowsLoaded: 3,
    loadedBefore: false,
    processedPath: 'gs://processed-bucket/exports/processed_date=2019-03-01/raw-6/',
    filesArchived: 1,
    bytesArchived: 2,
    filesLeftInPlace: 0,
    clusters: [{ name: 'c', seconds: 12.5, waitingSeconds: 1.5, deleted: true }],
    clusterSeconds: 12.5,
    waitingSeconds: 1.5,
    queuedSeconds: 7,
    startedBy: 'someone@example.com',
    startedAt: '2019-03-01T00:00:00.000Z',
    attempt: 1,
    cancelledTooLate: false,
    notCleaned: [],
    receiptUri: 'gs://processed-bucket/exports/processed_date=2019-03-01/raw-6.receipts/good.json',
  } satisfies AverageSpeedResult
  await handWorker(gateway.client, 'test-queue').complete(result)
  expect((await get('good')).json()).toMatchObject({
    status: 'succeeded',
    result: {
      rows_loaded: 3,
      write_disposition: 'WRITE_APPEND',
      loaded_before: false,
      bytes_archived: 2,
      clusters: [{ name: 'c', seconds: 12.5, waiting_seconds: 1.5, deleted: true }],
      cluster_seconds: 12.5,
      waiting_seconds: 1.5,
      queued_seconds: 7,
      started_by: 'someone@example.com',
      started_at: '2019-03-01T00:00:00.000Z',
      attempt: 1,
      receipt_uri: result.receiptUri,
    },
  })
})

test('a run that failed is described with the failure that the workflow named, and its details', async () => {
  await post({ run_id: 'bad', ...batch('7') })
  await clearQueue('bad')
  const details: FailureDetails = {
    step: 'runSparkJob',
    rawFilesAt: 'gs://raw-bucket/exports/failed-7/',
    clusters: [],
    notCleaned: ['The folder x.'],
  }
  await handWorker(gateway.client, 'test-queue').fail({
    message: 'Too many records cannot be read: 7 of 10.',
    type: 'TooManyRejects',
    details,
    cause: { message: 'inner', type: 'Internal' },
  })
  expect((await get('bad')).json()).toMatchObject({
    status: 'failed',
    failure: {
      type: 'TooManyRejects',
      message: 'Too many records cannot be read: 7 of 10.',
      kind: 'data',
      step: 'runSparkJob',
      raw_files_at: 'gs://raw-bucket/exports/failed-7/',
      not_cleaned: ['The folder x.'],
    },
  })
})

test('a run that was started by hand in the Web UI is found by operators under its own id', async () => {
  await gateway.client.workflow.start('averageSpeed', {
    workflowId: 'by-hand',
    taskQueue: 'test-queue',
    args: [{ rawPath: 'gs://raw-bucket/exports/raw-8/' }],
  })
  expect((await get('by-hand', 'operator@example.com')).json()).toMatchObject({
    run_id: 'by-hand',
    workflow_id: 'by-hand',
  })
  await gateway.client.workflow.start('somethingElse', { workflowId: 'alien', taskQueue: 'test-queue' })
  expect((await get('alien', 'operator@example.com')).statusCode).toBe(404)
})

test('liveness and readiness answer to anybody', async () => {
  expect((await gateway.app.inject('/healthz')).json()).toEqual({ status: 'ok' })
  expect((await gateway.app.inject('/readyz')).json()).toEqual({ status: 'ok' })
})

test('the API is described, openly, in OpenAPI 3.1', async () => {
  const document = (await gateway.app.inject('/openapi.json')).json()
  expect(document.openapi).toBe('3.1.0')
  expect(Object.keys(document.paths)).toEqual(
    expect.arrayContaining(['/runs', '/runs/{run_id}', '/api/experimental/dags/{dag_id}/dag_runs']),
  )
  expect((await gateway.app.inject('/docs/')).statusCode).toBe(200)
})

/** Lets the test's own run be the next on the queue. */
async function clearQueue(keep: string): Promise<void> {
  for (const id of await workflowIds(gateway.client)) {
    if (id === workflowIdOf(keep)) continue
    await gateway.client.workflow
      .getHandle(id)
      .terminate()
      .catch(() => undefined)
  }
}

function progressAt(name: 'createCluster'): RunProgress {
  return {
    attempt: 1,
    clusterName: 'cluster-1',
    steps: [
      {
        name: 'describeRawFiles',
        state: 'done',
        startedAt: '2019-03-01T00:00:00.000Z',
        endedAt: '2019-03-01T00:00:01.000Z',
      },
      { name, state: 'running', startedAt: '2019-03-01T00:00:00.000Z', detail: 'booting' },
    ],
  }
}
