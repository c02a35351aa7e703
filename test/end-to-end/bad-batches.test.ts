import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import pMap from 'p-map'
import { expectFailure, expectRetryWorks, failureOf } from '../support/bad-days.ts'
import { GOOD_ROWS, loadsOf, putBadBatch, putBatch, type TestBatch } from '../support/batches.ts'
import { endingOf } from '../support/endings.ts'
import { contents, putObject } from '../support/objects.ts'
import { type Pipeline, type Run, startPipeline, untilJob } from '../support/pipeline.ts'

/** Batches with which something is wrong: each ends in a failure with a name that says what to do, with nothing lost. */

let pipeline: Pipeline
beforeAll(async () => {
  pipeline = await startPipeline()
}, 120_000)
beforeEach(() => pipeline.calm())
afterAll(() => pipeline?.close())

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
    const failure = await expectFailure(pipeline, batch, {
      type: 'TooManyRejects',
      says: /2 of 5 records cannot be read.*the line is not one JSON object.*"reload"/,
      filesIn: 'failed',
    })
    const failed = failure.details.rawFilesAt ?? ''
    const { '_FAILURE.json': reason = '{}' } = await contents(pipeline.google.storage, failed)
    expect(JSON.parse(reason)).toMatchObject({ type: 'TooManyRejects', message: failure.message })
    await putObject(pipeline.google.storage, `${failed}trips-1.json`, batch.files['trips-0.json'] ?? '')
    await expectRetryWorks(pipeline, batch, { reload: 'mended' })
  })

  test('rejects over the share, under the number: TooManyRejects; a file of nothing else fails even if they are allowed', async () => {
    const batch = await putBadBatch(pipeline)
    await expectFailure(
      pipeline,
      batch,
      { type: 'TooManyRejects', says: /and 1 are allowed/, filesIn: 'failed' },
      { maxRejects: 1000, maxRejectShare: 0.3 },
    )
    await expectFailure(
      pipeline,
      batch,
      {
        type: 'RawFileUnreadable',
        says: /trips-1\.json: none of its 2 records can be read/,
        filesIn: 'failed',
      },
      { maxRejects: 2, maxRejectShare: 1 },
    )
  })

  test('rejects among good records: a run that allows them works', async () => {
    const batch = await putBatch(pipeline)
    const good = batch.files['trips-0.json'] ?? ''
    await putObject(
      pipeline.google.storage,
      `${batch.input.rawPath}trips-1.json`,
      `no JSON\n${good}nor this\n`,
    )
    const run = await pipeline.start({ ...batch.input, maxRejects: 2, maxRejectShare: 1 })
    expect(await run.result()).toMatchObject({
      rowsLoaded: 6,
      rowsRejected: 2,
      rejectedPath: expect.any(String),
    })
  })

  test('all records rejected: TooManyRejects, whatever is allowed', async () => {
    const batch = await putBatch(pipeline, { 'a.json': 'no JSON\n' })
    await expectFailure(
      pipeline,
      batch,
      { type: 'TooManyRejects', says: /1 of 1 records cannot be read/, filesIn: 'failed' },
      { maxRejects: 1000, maxRejectShare: 1 },
    )
  })

  test.each([
    [
      'an array',
      (trips: string) => `[${trips.trimEnd().replaceAll('\n', ',')}]`,
      /odd\.json: the file is a JSON array/,
    ],
    ['gzip', (trips: string) => gzipSync(trips), /odd\.json: the file is gzip.*a name that ends in \.gz/],
    ['joined', (trips: string) => trips.replaceAll('\n', '\\n'), /odd\.json: its records are not parted/],
  ])(
    'row 12: %s beside a good file: RawFileUnreadable, and the files move to the failed path',
    async (_, odd, says) => {
      const batch = await putBatch(pipeline)
      const { 'trips-0.json': trips = '' } = batch.files
      await putObject(pipeline.google.storage, `${batch.input.rawPath}good.json`, trips.repeat(200))
      await putObject(pipeline.google.storage, `${batch.input.rawPath}odd.json`, odd(trips))
      const failure = await failureOf(await pipeline.start(batch.input))
      expect(failure).toMatchObject({ type: 'RawFileUnreadable', message: expect.stringMatching(says) })
      const failed = await contents(pipeline.google.storage, failure.details.rawFilesAt ?? '')
      expect(Object.keys(failed)).toContain('odd.json')
    },
  )

  test.each([
    '{"VendorID":1,"tpep_pickup_datetime":"2015-01-15 19:05:39","trip_distance":1.59}',
    '{}',
    '{"hello":1}',
  ])("row 14: a batch of %s is another job's: RawColumnsMissing, and the files stay", async (line) => {
    const batch = await putBatch(pipeline, { 'a.json': `${line}\n` })
    await expectFailure(pipeline, batch, {
      type: 'RawColumnsMissing',
      says: /a\.json: no record of it.*pickup_datetime|trip_distance.*send the batch to its own/,
      filesIn: 'raw',
    })
  })

  test('row 13: a file packed in a way that is not read: InvalidInput, and no cluster was asked for', async () => {
    const batch = await putBatch(pipeline)
    await putObject(pipeline.google.storage, `${batch.input.rawPath}cut.json.snappy`, 'half')
    const run = await pipeline.start(batch.input)
    expect(await failureOf(run)).toMatchObject({
      type: 'InvalidInput',
      message: expect.stringMatching(/cut\.json\.snappy: files with this ending are not read/),
    })
    expect(await endingOf(pipeline, run, batch)).toMatchObject({ clusters: 0 })
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
  }, 180_000)
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
    await expectRetryWorks(pipeline, batch, { reload: 'changed' })
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
      'odd ä+%20.json': `\uFEFF${trip()}\r\n\r\n   \n`,
      'types.json': `${trip({ trip_distance: { not: 'a number' } })}\n[]\n${trip({ payment_type: 'line\u2028separator' })}\n${trip({ pickup_datetime: 'noon' })}\n`,
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
