import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { putObject, removeObject } from '../support/objects.ts'
import { until } from '../support/until.ts'
import { startWarehouseBench, type WarehouseBench } from './warehouse-bench.ts'

let bench: WarehouseBench
let outputTable: string
let batches = 0

beforeAll(async () => {
  bench = await startWarehouseBench()
})
beforeEach(async () => {
  await bench.reset()
  outputTable = bench.table()
})
afterAll(() => bench?.close())

/** A batch that is newer than those before it. */
const next = (more: object = {}, rows = 2) =>
  bench.ready({ rawPath: `loads/raw-${String(++batches).padStart(4, '0')}`, outputTable, ...more }, rows)
const find = ({ plan, batch }: Awaited<ReturnType<typeof next>>) =>
  bench.bench.call('findLoad', [plan, batch])

describe('loadTable', () => {
  test('P7: a lost reply to jobs.insert: the effect happens once', async () => {
    const batch = await next({ writeDisposition: 'WRITE_APPEND' })
    await bench.bigquery.addFault({ on: 'jobs.insert', when: 'after', kind: 'drop' })
    expect(await bench.load(batch)).toMatchObject({ rows: 2, jobId: expect.stringMatching(/_0$/) })
    expect(await bench.loadJobs(outputTable)).toHaveLength(1)
    expect(await bench.rowsIn(outputTable)).toBe(2)
  })

  test('P7: a request that is lost before its effect is sent again, and the effect happens once', async () => {
    const batch = await next({ writeDisposition: 'WRITE_APPEND' })
    await bench.bigquery.addFault({ on: 'jobs.insert', when: 'before', kind: 'drop' })
    await bench.load(batch)
    expect(await bench.rowsIn(outputTable)).toBe(2)
  })

  test.each(['WRITE_APPEND', 'WRITE_TRUNCATE'] as const)(
    'P7: with %s two runs of one batch load it once, and the second reports the first',
    async (writeDisposition) => {
      const batch = await next({ writeDisposition })
      const first = await bench.load(batch, 'first')
      expect(await find(batch)).toEqual({
        isUnderWay: false,
        load: { jobId: first.jobId, rows: 2, outputTable, writeDisposition },
      })
      const again = await bench.ready({ rawPath: batch.plan.rawPath, outputTable, writeDisposition })
      expect(await bench.load(again, 'second')).toEqual(first)
      expect(await bench.loadJobs(outputTable)).toEqual([first.jobId])
      expect(await bench.rowsIn(outputTable)).toBe(2)
    },
  )

  test('P7: two runs that load one batch at the same time load it once', async () => {
    const one = await next({ writeDisposition: 'WRITE_APPEND' })
    const two = await bench.ready({
      rawPath: one.plan.rawPath,
      outputTable,
      writeDisposition: 'WRITE_APPEND',
    })
    await bench.bigquery.put('/settings', { loadMs: 300 })
    const first = bench.load(one, 'first')
    await until('there is a job', async () => (await bench.loadJobs(outputTable)).length > 0)
    // Its activity goes on, on a worker that has not heard of it.
    bench.bench.ended.add('first')
    const loads = await Promise.all([first, bench.load(two, 'second')])
    await bench.bigquery.put('/settings', { loadMs: 0 })
    expect(loads[0]).toEqual(loads[1])
    expect(await bench.rowsIn(outputTable)).toBe(2)
  })

  test('P7: a load that another run has asked for is found, and waited for only by who wants to', async () => {
    const batch = await next({ writeDisposition: 'WRITE_APPEND' })
    expect(await find(batch)).toEqual({ isUnderWay: false })
    await bench.bigquery.put('/settings', { loadMs: 300 })
    const loading = bench.load(batch, 'another')
    await until('there is a job', async () => (await bench.loadJobs(outputTable)).length > 0)
    expect(await find(batch)).toEqual({ isUnderWay: true })
    expect(await bench.bench.call('awaitLoad', [batch.plan, batch.batch])).toEqual(await loading)
    await bench.bigquery.put('/settings', { loadMs: 0 })
    expect(await find(batch)).toEqual({ isUnderWay: false, load: await loading })
  })

  test('P7: a load that has failed is no load', async () => {
    const batch = await next({ writeDisposition: 'WRITE_APPEND' })
    await bench.bigquery.post('/job-faults', { type: 'load', reason: 'invalid' })
    await expect(bench.load(batch)).rejects.toMatchObject({ type: 'LoadFailed' })
    expect(await find(batch)).toEqual({ isUnderWay: false })
    expect(await bench.bench.call('awaitLoad', [batch.plan, batch.batch])).toBeUndefined()
  })

  test('P7: with WRITE_APPEND the table holds each batch once', async () => {
    for (let i = 0; i < 3; i++) await bench.load(await next({ writeDisposition: 'WRITE_APPEND' }))
    expect(await bench.rowsIn(outputTable)).toBe(6)
  })

  test('P7: a job that ended in an error is followed by the next number, and never sent again', async () => {
    const batch = await next()
    await bench.bigquery.post('/job-faults', { type: 'load', reason: 'backendError', times: 2 })
    expect((await bench.load(batch)).jobId).toMatch(/_2$/)
    const ids = await bench.loadJobs(outputTable)
    expect(ids.map((id) => id.slice(-2))).toEqual(['_0', '_1', '_2'])
    expect(await bench.rowsIn(outputTable)).toBe(2)
  })

  test('P7: a deliberate reload is a load of its own', async () => {
    const first = await bench.load(await next({}, 2))
    const rawPath = `loads/raw-${String(batches).padStart(4, '0')}`
    const reload = await bench.ready({ rawPath, outputTable, reload: 'again' }, 5)
    expect((await bench.load(reload)).jobId).not.toBe(first.jobId)
    expect(await bench.rowsIn(outputTable)).toBe(5)
  })

  test('P7: a failed job of a dead run, which read another output, does not stop a live one', async () => {
    const batch = await next({ writeDisposition: 'WRITE_APPEND' })
    const dead = await bench.ready({
      rawPath: batch.plan.rawPath,
      outputTable,
      writeDisposition: 'WRITE_APPEND',
    })
    await bench.bigquery.put('/settings', { loadMs: 300 })
    await bench.bigquery.post('/job-faults', { type: 'load', reason: 'invalid' })
    const outcomes = await Promise.allSettled([
      bench.load(dead, 'dead'),
      (async () => {
        await until('there is a job', async () => (await bench.loadJobs(outputTable)).length > 0)
        bench.bench.ended.add('dead')
        return bench.load(batch, 'live')
      })(),
    ])
    await bench.bigquery.put('/settings', { loadMs: 0 })
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled'])
    expect(await bench.rowsIn(outputTable)).toBe(2)
  })

  test('P9: rows loaded that differ from rows written are LoadedRowsDiffer, which counts as loaded', async () => {
    const batch = await next()
    const summary = JSON.stringify({ rows_read: 3, rows_written: 3 })
    await putObject(bench.google.storage, `${batch.attempt.outputPath}_summary.json`, summary)
    const expected = {
      type: 'LoadedRowsDiffer',
      nonRetryable: true,
      message: expect.stringMatching(/wrote 3 rows and BigQuery loaded 2.*raw files are where they were/),
    }
    await expect(bench.load(batch)).rejects.toMatchObject(expected)
    await expect(find(batch)).rejects.toMatchObject(expected)
    expect(await bench.loadJobs(outputTable)).toHaveLength(1)
  })

  test('a table whose schema does not fit is SchemaMismatch, and says what to do', async () => {
    const [, dataset = '', table = ''] = outputTable.split('.')
    await bench.google.bigquery.dataset(dataset).createTable(table, {
      schema: [
        { name: 'vendor_id', type: 'INTEGER' },
        { name: 'other', type: 'STRING' },
      ],
      labels: { state_bucket: bench.cloud.get('STATE_BUCKET') },
    })
    await expect(bench.load(await next({ writeDisposition: 'WRITE_APPEND' }))).rejects.toMatchObject({
      type: 'SchemaMismatch',
      nonRetryable: true,
      message: expect.stringMatching(
        /vendor_id is INTEGER, and the run writes STRING.*Give the table the columns that the run writes, or name another output table/,
      ),
    })
  })

  test('a dataset that is not there is NotFound, and says what to do', async () => {
    const [project] = outputTable.split('.')
    const batch = await next({ outputTable: `${project}.nowhere.trips` })
    await expect(bench.load(batch)).rejects.toMatchObject({
      type: 'NotFound',
      nonRetryable: true,
      message: expect.stringMatching(/nowhere.*Create what is missing/),
    })
  })

  test.each([
    ['at once', { on: 'jobs.insert', kind: 'error', code: 403, reason: 'accessDenied' }, undefined],
    ['by the job', undefined, { type: 'load', reason: 'accessDenied' }],
  ])('no permission, refused %s, is PermissionDenied, and says whose', async (_, fault, jobFault) => {
    const batch = await next()
    if (fault) await bench.bigquery.addFault(fault)
    if (jobFault) await bench.bigquery.post('/job-faults', jobFault)
    await expect(bench.load(batch)).rejects.toMatchObject({
      type: 'PermissionDenied',
      nonRetryable: true,
      message: expect.stringContaining("Grant the worker's service account"),
    })
    expect(await find(batch)).toEqual({ isUnderWay: false })
  })

  test('an exceeded quota is QuotaExceeded, which is worth another try', async () => {
    const batch = await next()
    await bench.bigquery.addFault({
      on: 'jobs.insert',
      kind: 'error',
      code: 403,
      reason: 'quotaExceeded',
      times: 50,
    })
    await expect(
      bench.bench.call('loadTable', [batch.plan, batch.attempt, batch.output]),
    ).rejects.toMatchObject({
      type: 'QuotaExceeded',
      nonRetryable: false,
    })
  })

  test('a load job that is cancelled from outside is LoadFailed, and a retry of the run loads', async () => {
    const batch = await next()
    await bench.bigquery.post('/job-faults', { type: 'load', reason: 'stopped' })
    await expect(bench.load(batch)).rejects.toMatchObject({ type: 'LoadFailed', nonRetryable: true })
    expect(await bench.load(batch)).toMatchObject({ rows: 2, jobId: expect.stringMatching(/_1$/) })
  })

  test('P13: an output that has been deleted is OutputGone, and nothing is asked of BigQuery', async () => {
    const batch = await next()
    await removeObject(bench.google.storage, `${batch.attempt.outputPath}_SUCCESS`)
    await expect(bench.load(batch)).rejects.toMatchObject({
      type: 'OutputGone',
      message: expect.stringMatching(/[Rr]etry the run/),
    })
    expect(await bench.loadJobs(outputTable)).toEqual([])
  })
})

test('P7: an output that is added to after the load was asked for is not loaded twice', async () => {
  const batch = await next({ writeDisposition: 'WRITE_APPEND' })
  await bench.load(batch)
  await putObject(bench.google.storage, `${batch.attempt.outputPath}part-00001`, 'late')
  await bench.load(batch)
  expect(await bench.rowsIn(outputTable)).toBe(2)
})
