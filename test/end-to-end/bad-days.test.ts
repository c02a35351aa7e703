import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { WorkflowFailedError } from '@temporalio/client'
import { ApplicationFailure } from '@temporalio/common'
import pMap from 'p-map'
import type { AverageSpeedInput, FailureDetails, FailureType } from '../../workflows/contract.ts'
import { GOOD_ROWS, loadsOf, putBadBatch, putBatch, type TestBatch } from '../support/batches.ts'
import { endingOf } from '../support/endings.ts'
import { contents, putObject } from '../support/objects.ts'
import { type Pipeline, type Run, startPipeline, untilJob } from '../support/pipeline.ts'

/** Days on which something outside the pipeline is wrong: each ends in a failure with a name that says what to do. */

let pipeline: Pipeline
beforeAll(async () => {
  process.env['CLUSTER_ZONES'] = 'us-central1-a,us-central1-b'
  pipeline = await startPipeline()
}, 120_000)
beforeEach(() => pipeline.calm())
afterAll(async () => {
  delete process.env['CLUSTER_ZONES']
  await pipeline?.close()
})

interface Failure {
  readonly type: string | null | undefined
  readonly message: string
  readonly details: FailureDetails
}

async function failureOf(run: Run): Promise<Failure> {
  const error: unknown = await run.result().then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof WorkflowFailedError) || !(error.cause instanceof ApplicationFailure)) {
    throw new Error(`The run did not fail by name: ${String(error)}`)
  }
  const { type, message, details } = error.cause
  return { type, message, details: details?.[0] as FailureDetails }
}

/** Runs a batch that must fail so, with its files in that place, nothing loaded and nothing left behind. */
async function expectFailure(
  batch: TestBatch,
  expected: { readonly type: FailureType; readonly says: RegExp; readonly filesIn?: 'raw' | 'failed' },
  input: Partial<AverageSpeedInput> = {},
): Promise<Failure> {
  const run = await pipeline.start({ ...batch.input, ...input })
  const failure = await failureOf(run)
  expect(failure).toMatchObject({ type: expected.type, message: expect.stringMatching(expected.says) })
  const { filesIn = 'raw' } = expected
  const ending = await endingOf(pipeline, run, batch)
  expect(ending).toMatchObject({ rawFilesIn: [filesIn], rawFiles: Object.keys(batch.files).length })
  expect(ending.loads.committed).toBe(0)
  // What is meant to stay: the reason, and the records that could not be read.
  expect(ending.leaks.filter((name) => !/^rejected-|\/_FAILURE\.json$/.test(name))).toEqual([])
  expect(failure.details.notCleaned).toEqual([])
  return failure
}

/** The same batch, with nothing changed but the day, must succeed. */
async function expectRetryWorks(batch: TestBatch, input: Partial<AverageSpeedInput> = {}): Promise<void> {
  await pipeline.calm()
  const run = await pipeline.start({ ...batch.input, ...input })
  expect(await run.result()).toMatchObject({ rowsLoaded: GOOD_ROWS, notCleaned: [] })
  expect(await loadsOf(pipeline, batch)).toMatchObject({ committed: 1 })
}

describe('the batch is wrong', () => {
  test('no files at the raw path: RawFilesMissing, and no cluster was asked for', async () => {
    const batch = await putBatch(pipeline, {})
    const run = await pipeline.start(batch.input)
    expect(await failureOf(run)).toMatchObject({
      type: 'RawFilesMissing',
      message: expect.stringMatching(
        /no files under gs:.*Check the path, or wait until the export has ended/,
      ),
    })
    expect(await endingOf(pipeline, run, batch)).toMatchObject({ clusters: 0, leaks: [] })
  })

  test('not JSON: TooManyRejects, the files move to the failed path with the reason, and a reload after mending works', async () => {
    const batch = await putBadBatch(pipeline)
    const failure = await expectFailure(batch, {
      type: 'TooManyRejects',
      says: /2 of 5 records cannot be read.*the line is not one JSON object.*"reload"/,
      filesIn: 'failed',
    })
    const failed = failure.details.rawFilesAt ?? ''
    const { '_FAILURE.json': reason = '{}' } = await contents(pipeline.google.storage, failed)
    expect(JSON.parse(reason)).toMatchObject({ type: 'TooManyRejects', message: failure.message })
    await putObject(pipeline.google.storage, `${failed}trips-1.json`, batch.files['trips-0.json'] ?? '')
    await expectRetryWorks(batch, { reload: 'mended' })
  })

  test('rejects over the share, under the number: TooManyRejects, and a run that allows them works', async () => {
    const batch = await putBadBatch(pipeline)
    await expectFailure(
      batch,
      { type: 'TooManyRejects', says: /and 1 are allowed/, filesIn: 'failed' },
      { maxRejects: 1000, maxRejectShare: 0.3 },
    )
    const run = await pipeline.start({ ...batch.input, maxRejects: 2, maxRejectShare: 1 })
    expect(await run.result()).toMatchObject({
      rowsLoaded: 3,
      rowsRejected: 2,
      rejectedPath: expect.any(String),
    })
  })

  test('all records rejected: TooManyRejects, whatever is allowed', async () => {
    const batch = await putBatch(pipeline, { 'a.json': 'no JSON\n' })
    await expectFailure(
      batch,
      { type: 'TooManyRejects', says: /1 of 1 records cannot be read/, filesIn: 'failed' },
      { maxRejects: 1000, maxRejectShare: 1 },
    )
  })

  test('an empty file: the run succeeds with no rows and leaves the table alone', async () => {
    const batch = await putBatch(pipeline, { 'a.json': '' })
    const run = await pipeline.start(batch.input)
    expect(await run.result()).toMatchObject({ rowsLoaded: 0, filesArchived: 1 })
    expect(await loadsOf(pipeline, batch)).toEqual({ committed: 0, rows: 0 })
  })

  test('a batch of a thousand files is one run', async () => {
    const batch = await putBatch(pipeline)
    const { 'trips-0.json': content = '' } = batch.files
    const names = Array.from({ length: 998 }, (_, i) => `more/part-${String(i).padStart(4, '0')}.json`)
    await pMap(
      names,
      (name) => putObject(pipeline.google.storage, `${batch.input.rawPath}${name}`, content),
      {
        concurrency: 16,
      },
    )
    const run = await pipeline.start(batch.input)
    expect(await run.result()).toMatchObject({
      files: 1000,
      filesArchived: 1000,
      rowsLoaded: 3 * 1000,
      filesLeftInPlace: 0,
    })
    expect(await contents(pipeline.google.storage, batch.input.rawPath)).toEqual({})
  })
})

describe('the batch changes under the run', () => {
  /** Starts a run and waits until its Spark job is under way. */
  async function running(batch: TestBatch): Promise<Run> {
    await pipeline.dataprocSettings({ jobMs: 1_000 })
    const run = await pipeline.start(batch.input)
    await untilJob(pipeline, run)
    return run
  }

  test('a file that lands is left in place, and neither loaded nor archived', async () => {
    const batch = await putBatch(pipeline)
    const run = await running(batch)
    await putObject(
      pipeline.google.storage,
      `${batch.input.rawPath}late.json`,
      batch.files['trips-0.json'] ?? '',
    )
    expect(await run.result()).toMatchObject({ rowsLoaded: GOOD_ROWS, filesArchived: 2, filesLeftInPlace: 1 })
    expect(Object.keys(await contents(pipeline.google.storage, batch.input.rawPath))).toEqual(['late.json'])
  })

  test('a file that is overwritten: RawFilesChanged, nothing is loaded, and a reload takes it as it is now', async () => {
    const batch = await putBatch(pipeline)
    const run = await running(batch)
    const changed = batch.files['trips-0.json'] ?? ''
    await putObject(pipeline.google.storage, `${batch.input.rawPath}trips-1.json`, changed)
    expect(await failureOf(run)).toMatchObject({
      type: 'RawFilesChanged',
      message: expect.stringMatching(/trips-1\.json has changed.*"reload"/),
    })
    expect(await loadsOf(pipeline, batch)).toEqual({ committed: 0, rows: 0 })
    expect(Object.keys(await contents(pipeline.google.storage, batch.input.rawPath))).toHaveLength(2)
    await expectRetryWorks(batch, { reload: 'changed' })
  })

  test('a file that is deleted: RawFilesMissing, and nothing is loaded', async () => {
    const batch = await putBatch(pipeline)
    const run = await running(batch)
    const [bucket = '', ...name] = batch.input.rawPath.slice('gs://'.length).split('/')
    await pipeline.google.storage
      .bucket(bucket)
      .file(`${name.join('/')}trips-1.json`)
      .delete()
    expect(await failureOf(run)).toMatchObject({
      type: 'RawFilesMissing',
      message: expect.stringMatching(/trips-1\.json/),
    })
    expect(await loadsOf(pipeline, batch)).toEqual({ committed: 0, rows: 0 })
  })
})

describe('something is not allowed', () => {
  test('no permission on the bucket: PermissionDenied, and a retry works once it is granted', async () => {
    const batch = await putBatch(pipeline)
    await pipeline.storage.addFault({
      on: 'objects.list',
      match: batch.parent,
      kind: 'error',
      code: 403,
      reason: 'forbidden',
      message: 'worker@local-project.iam.gserviceaccount.com does not have storage.objects.list access.',
    })
    await expectFailure(batch, {
      type: 'PermissionDenied',
      says: /storage\.objects\.list access.*Grant the worker's service account/,
    })
    await expectRetryWorks(batch)
  })

  test('no permission on the dataset: PermissionDenied, the raw files stay, and a retry works once it is granted', async () => {
    const batch = await putBatch(pipeline)
    await pipeline.bigquery.post('/job-faults', {
      type: 'load',
      reason: 'accessDenied',
      message: 'Access Denied: Dataset local-project:ComposerDemo: Permission bigquery.tables.create denied.',
    })
    await expectFailure(batch, {
      type: 'PermissionDenied',
      says: /bigquery\.tables\.create denied.*Grant the worker's service account/,
    })
    await expectRetryWorks(batch)
  })

  test('no permission on clusters: PermissionDenied, and a retry works once it is granted', async () => {
    const batch = await putBatch(pipeline)
    await pipeline.dataproc.addFault({
      on: 'CreateCluster',
      kind: 'error',
      code: 'PERMISSION_DENIED',
      message: "Permission 'dataproc.clusters.create' denied on resource.",
    })
    await expectFailure(batch, {
      type: 'PermissionDenied',
      says: /'dataproc\.clusters\.create' denied.*Grant the worker's service account/,
    })
    await expectRetryWorks(batch)
  })

  test('no quota for the cluster: QuotaExceeded, the raw files stay, and a retry works once there is some', async () => {
    const batch = await putBatch(pipeline)
    await pipeline.dataproc.post('/cluster-faults', { kind: 'quota' })
    await expectFailure(batch, {
      type: 'QuotaExceeded',
      says: /Insufficient 'CPUS' quota.*Free some of the quota or ask for more/,
    })
    await expectRetryWorks(batch)
  })

  test('a table whose schema does not fit: SchemaMismatch, and the raw files stay', async () => {
    const batch = await putBatch(pipeline)
    const [, dataset = '', table = ''] = batch.input.outputTable.split('.')
    await pipeline.google.bigquery.dataset(dataset).createTable(table, {
      schema: [{ name: 'vendor_id', type: 'INTEGER' }],
    })
    await expectFailure(
      batch,
      { type: 'SchemaMismatch', says: /does not match Table.*Give the table the columns/ },
      { writeDisposition: 'WRITE_APPEND' },
    )
    await expectRetryWorks(batch, { writeDisposition: 'WRITE_TRUNCATE' })
  })
})

describe('the cluster is in trouble', () => {
  const zonesOf = async (run: Run) => {
    const { clusters } = await pipeline.ledgerOf(run.workflowId)
    return clusters.map((cluster) => (cluster as { readonly zone?: string }).zone)
  }

  test('a stockout in one zone: the next one is tried, the winner is remembered, and nothing is left of the loser', async () => {
    await pipeline.dataproc.post('/cluster-faults', { kind: 'stockout', zone: 'us-central1-a', times: 9 })
    const batch = await putBatch(pipeline)
    const run = await pipeline.start(batch.input)
    expect(await run.result()).toMatchObject({ rowsLoaded: GOOD_ROWS })
    expect(await zonesOf(run)).toEqual(['us-central1-a', 'us-central1-b'])
    expect(await endingOf(pipeline, run, batch)).toMatchObject({ leaks: [] })
    const next = await putBatch(pipeline)
    const second = await pipeline.start(next.input)
    await second.result()
    expect(await zonesOf(second)).toEqual(['us-central1-b'])
  })

  test('a stockout in all zones: Stockout, the raw files stay, and nothing is left', async () => {
    await pipeline.dataproc.post('/cluster-faults', { kind: 'stockout', times: 2 })
    const batch = await putBatch(pipeline)
    const failure = await expectFailure(batch, {
      type: 'Stockout',
      says: /has no machines.*Retry the run later/,
    })
    expect(failure.details.clusters).toHaveLength(2)
    await expectRetryWorks(batch)
  })

  test('a cluster in ERROR is deleted and tried anew under another name', async () => {
    await pipeline.dataproc.post('/cluster-faults', { kind: 'boot-failure' })
    const batch = await putBatch(pipeline)
    const run = await pipeline.start(batch.input)
    const { clusters } = await run.result()
    expect(clusters.map(({ deleted }) => deleted)).toEqual([true, true])
    expect(new Set(clusters.map(({ name }) => name)).size).toBe(2)
  })

  test('a cluster in ERROR twice: ClusterCreationFailed, with the place of the diagnosis', async () => {
    await pipeline.dataproc.post('/cluster-faults', { kind: 'boot-failure', times: 2 })
    const batch = await putBatch(pipeline)
    const { message } = await expectFailure(batch, {
      type: 'ClusterCreationFailed',
      says: /unable to register with master/,
    })
    const [, uri = ''] = /Its diagnosis is at (gs:\S+)\.$/.exec(message) ?? []
    expect((await contents(pipeline.google.storage, uri))['']).toContain('ERROR')
  })

  test("a job that fails: SparkJobFailed, with the driver's last lines", async () => {
    await pipeline.dataproc.post('/job-faults', { kind: 'error', message: 'java.lang.OutOfMemoryError' })
    const batch = await putBatch(pipeline)
    await expectFailure(batch, {
      type: 'SparkJobFailed',
      says: /mend the cause and retry the run\. Driver output: gs:.*driveroutput\*/s,
    })
    await expectRetryWorks(batch)
  })

  test('a job that is cancelled from outside: SparkJobCancelled, and a retry works', async () => {
    const batch = await putBatch(pipeline)
    await pipeline.dataprocSettings({ jobMs: 60_000 })
    const run = await pipeline.start(batch.input)
    await untilJob(pipeline, run)
    const { jobs } = await pipeline.ledgerOf(run.workflowId)
    await pipeline.dataproc.post(`/jobs/${jobs[0]?.id}/cancel-outside`, {})
    expect(await failureOf(run)).toMatchObject({
      type: 'SparkJobCancelled',
      message: expect.stringContaining('retry the run'),
    })
    await expectRetryWorks(batch)
  })
})

describe('with real Spark', () => {
  const trip = (more: object = {}) =>
    JSON.stringify({
      vendor_id: 'Ünï "quoted", 🚕',
      pickup_datetime: '2019-03-01 20:00:00 UTC',
      dropoff_datetime: '2019-03-01T20:10:00.5Z',
      trip_distance: '2.3',
      ...more,
    })

  test('oddities of UTF-8, gzip, blank lines and wrong types: what can be read is loaded, the rest is set aside', async () => {
    await pipeline.dataprocSettings({ jobMode: 'spark' })
    const batch = await putBatch(pipeline, {
      'odd ä+%20.json': `\uFEFF${trip()}\r\n\r\n   \n${trip({ payment_type: 'line\u2028separator' })}\n`,
      'types.json': `${trip({ trip_distance: { not: 'a number' } })}\n[]\n${trip({ pickup_datetime: 'noon' })}\n`,
    })
    await putObject(pipeline.google.storage, `${batch.input.rawPath}packed.json.gz`, gzipSync(`${trip()}\n`))
    const run = await pipeline.start({ ...batch.input, maxRejects: 3, maxRejectShare: 1 })
    expect(await run.result()).toMatchObject({ files: 3, rowsRead: 6, rowsLoaded: 3, rowsRejected: 3 })
    const [, dataset = '', table = ''] = batch.input.outputTable.split('.')
    const [rows] = await pipeline.google.bigquery.dataset(dataset).table(table).getRows()
    expect(rows.map(({ vendor_id }) => vendor_id)).toEqual(Array(3).fill('Ünï "quoted", 🚕'))
    expect(rows.map(({ payment_type }) => payment_type)).toContain('line\u2028separator')
  }, 120_000)

  test('half a gzip file: RawFileUnreadable, and the files move to the failed path', async () => {
    await pipeline.dataprocSettings({ jobMode: 'spark' })
    const batch = await putBatch(pipeline)
    const packed = gzipSync(`${trip()}\n`.repeat(1000))
    await putObject(
      pipeline.google.storage,
      `${batch.input.rawPath}half.json.gz`,
      packed.subarray(0, packed.length / 2),
    )
    const run = await pipeline.start(batch.input)
    const failure = await failureOf(run)
    expect(failure).toMatchObject({
      type: 'RawFileUnreadable',
      message: expect.stringMatching(/half\.json\.gz.*Export it again/),
    })
    expect(
      Object.keys(await contents(pipeline.google.storage, failure.details.rawFilesAt ?? '')).sort(),
    ).toEqual(['_FAILURE.json', 'half.json.gz', 'trips-0.json', 'trips-1.json'])
  }, 120_000)
})
