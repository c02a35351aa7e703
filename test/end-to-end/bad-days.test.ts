import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { expectFailure, expectRetryWorks, failureOf } from '../support/bad-days.ts'
import { GOOD_ROWS, putBatch } from '../support/batches.ts'
import { endingOf } from '../support/endings.ts'
import { contents } from '../support/objects.ts'
import { type Pipeline, type Run, startPipeline, untilJob } from '../support/pipeline.ts'

/** Days on which the cloud is in trouble: each ends in a failure with a name that says what to do, with nothing lost. */

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

describe('Cloud Storage is in trouble for a while', () => {
  test.each([429, 500, 503])(
    'P11: answers %i to downloads: the worker lives, and the run goes on',
    async (code) => {
      const batch = await putBatch(pipeline)
      await pipeline.storage.addFault({
        on: 'objects.getMedia',
        match: 'manifest.ndjson',
        kind: 'error',
        when: 'after',
        code,
        times: 4,
      })
      const run = await pipeline.start(batch.input)
      expect(await run.result()).toMatchObject({ rowsLoaded: GOOD_ROWS, notCleaned: [] })
      expect((await pipeline.storage.calls())['objects.getMedia']).toBeGreaterThan(4)
      // Throws when there is no such process.
      process.kill(pipeline.worker.pid, 0)
    },
  )
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
    await expectFailure(pipeline, batch, {
      type: 'PermissionDenied',
      says: /storage\.objects\.list access.*Grant the worker's service account/,
    })
    await expectRetryWorks(pipeline, batch)
  })

  test('no permission on the dataset: PermissionDenied, the raw files stay, and a retry works once it is granted', async () => {
    const batch = await putBatch(pipeline)
    await pipeline.bigquery.post('/job-faults', {
      type: 'load',
      reason: 'accessDenied',
      message: 'Access Denied: Dataset local-project:ComposerDemo: Permission bigquery.tables.create denied.',
    })
    await expectFailure(pipeline, batch, {
      type: 'PermissionDenied',
      says: /bigquery\.tables\.create denied.*Grant the worker's service account/,
    })
    await expectRetryWorks(pipeline, batch)
  })

  test('no permission on clusters: PermissionDenied, and a retry works once it is granted', async () => {
    const batch = await putBatch(pipeline)
    await pipeline.dataproc.addFault({
      on: 'CreateCluster',
      kind: 'error',
      code: 'PERMISSION_DENIED',
      message: "Permission 'dataproc.clusters.create' denied on resource.",
    })
    await expectFailure(pipeline, batch, {
      type: 'PermissionDenied',
      says: /'dataproc\.clusters\.create' denied.*Grant the worker's service account/,
    })
    await expectRetryWorks(pipeline, batch)
  })

  test('no quota for the cluster: QuotaExceeded, the raw files stay, and a retry works once there is some', async () => {
    const batch = await putBatch(pipeline)
    await pipeline.dataproc.post('/cluster-faults', { kind: 'quota' })
    await expectFailure(pipeline, batch, {
      type: 'QuotaExceeded',
      says: /Insufficient 'CPUS' quota.*Free some of the quota or ask for more/,
    })
    await expectRetryWorks(pipeline, batch)
  })

  test('a table whose schema does not fit: SchemaMismatch, and the raw files stay', async () => {
    const batch = await putBatch(pipeline)
    const [, dataset = '', table = ''] = batch.input.outputTable.split('.')
    const [owned] = await pipeline.google.bigquery.dataset(dataset).createTable(table, {
      schema: [{ name: 'vendor_id', type: 'INTEGER' }],
      labels: { state_bucket: pipeline.cloud.get('STATE_BUCKET') },
    })
    await expectFailure(
      pipeline,
      batch,
      { type: 'SchemaMismatch', says: /vendor_id is INTEGER.*Give the table the columns/ },
      { writeDisposition: 'WRITE_APPEND' },
    )
    // A load that replaces the rows does not replace the columns either.
    await owned.delete()
    await expectRetryWorks(pipeline, batch, { writeDisposition: 'WRITE_APPEND' })
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
    const failure = await expectFailure(pipeline, batch, {
      type: 'Stockout',
      says: /has no machines.*Retry the run later/,
    })
    expect(failure.details.clusters).toHaveLength(2)
    await expectRetryWorks(pipeline, batch)
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
    const { message } = await expectFailure(pipeline, batch, {
      type: 'ClusterCreationFailed',
      says: /unable to register with master/,
    })
    const [, uri = ''] = /Its diagnosis is at (gs:\S+)\.$/.exec(message) ?? []
    expect((await contents(pipeline.google.storage, uri))['']).toContain('ERROR')
  })

  test("a job that fails: SparkJobFailed, with the driver's last lines", async () => {
    await pipeline.dataproc.post('/job-faults', { kind: 'error', message: 'java.lang.OutOfMemoryError' })
    const batch = await putBatch(pipeline)
    await expectFailure(pipeline, batch, {
      type: 'SparkJobFailed',
      says: /fix the cause and retry the run\. Driver output: gs:.*driveroutput\*/s,
    })
    await expectRetryWorks(pipeline, batch)
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
    await expectRetryWorks(pipeline, batch)
  })
})

test('the reply to every mutating call is lost once: each effect happened once, and the run succeeds', async () => {
  const lost = { when: 'after', kind: 'drop' }
  for (const on of ['CreateCluster', 'SubmitJob', 'DeleteCluster']) {
    await pipeline.dataproc.addFault({ on, ...lost })
  }
  for (const match of ['claim.json', 'manifest.ndjson', 'state.json', 'archive.json']) {
    await pipeline.storage.addFault({ on: 'objects.insert', match, ...lost })
  }
  for (const on of ['objects.rewrite', 'objects.delete']) await pipeline.storage.addFault({ on, ...lost })
  await pipeline.bigquery.addFault({ on: 'jobs.insert', ...lost })
  const batch = await putBatch(pipeline)
  const run = await pipeline.start(batch.input)
  expect(await run.result()).toMatchObject({ rowsLoaded: GOOD_ROWS, filesArchived: 2, notCleaned: [] })
  for (const control of [pipeline.dataproc, pipeline.storage, pipeline.bigquery]) {
    const faults = await control.get<readonly { readonly on: string; readonly hits: number }[]>('/faults')
    for (const fault of faults) expect(fault).toMatchObject({ on: fault.on, hits: 1 })
  }
  expect(await endingOf(pipeline, run, batch)).toMatchObject({
    clusters: 1,
    jobs: 1,
    loads: { committed: 1, rows: GOOD_ROWS },
    rawFilesIn: ['processed'],
    rawFiles: 2,
    leaks: [],
  })
})
