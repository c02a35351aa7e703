import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import type { AverageSpeedInput } from '../../workflows/contract.ts'
import type { RunPlan } from '../../workflows/plan.ts'
import { activityBench } from '../support/activities.ts'
import { contents, putObject, removeObject } from '../support/objects.ts'
import { type ReadyBatch, startWarehouseBench, type WarehouseBench } from './warehouse-bench.ts'

const FILES = { 'a.json': 'one', 'b.json': 'two' }
const BAD = { type: 'TooManyRejects', message: 'bad', workflowId: 'w' }

let bench: WarehouseBench
let rawPath: string
let outputTable: string
let batches = 0

beforeAll(async () => {
  bench = await startWarehouseBench()
})
beforeEach(async () => {
  await bench.reset()
  rawPath = `identity/raw-${String(++batches).padStart(4, '0')}`
  outputTable = bench.table()
  await put(FILES)
})
afterAll(() => bench?.close())

type More = Omit<AverageSpeedInput, 'rawPath'>

const planOf = (more: More = {}): RunPlan => bench.bench.plan({ rawPath, outputTable, ...more })
const put = (files: Record<string, string>, folder = planOf().rawPath) =>
  Promise.all(
    Object.entries(files).map(([name, content]) =>
      putObject(bench.google.storage, `${folder}${name}`, content),
    ),
  )
const noteOf = (name: string) => `${planOf().notesPath}${name}`
const inRaw = () => contents(bench.google.storage, planOf().rawPath)
const describeFiles = (more?: More) => bench.bench.call('describeRawFiles', [planOf(more)])
const archive = (more?: More) => bench.bench.call('archiveRawFiles', [planOf(more)])
const fail = (more?: More) => bench.bench.call('moveRawFilesToFailed', [planOf(more), BAD])
const find = async (more?: More, on = bench.bench) =>
  on.call('findLoad', [planOf(more), await describeFiles(more)])

/** Spark's output, loaded. */
async function load(more?: More): Promise<ReadyBatch> {
  const ready = await bench.readyAs(planOf(more))
  await bench.load(ready, 'a run')
  return ready
}

/** All the way, as a run goes that finds no earlier load. */
async function run(more?: More) {
  await load(more)
  return archive(more)
}

describe('row 1: where a batch is', () => {
  test('row 1: after one reload, another one, the plain run again and each of them once more end well', async () => {
    const first = await run()
    await run({ reload: 'a' })
    const second = await run({ reload: 'b' })
    expect(second.processedPath).toContain('/reload=b/raw-')
    for (const more of [{}, { reload: 'a' }, { reload: 'b' }, {}]) {
      expect(await describeFiles(more)).toMatchObject({ files: 2, bytes: 6 })
      expect(await find(more)).toMatchObject({ load: { rows: 2 } })
      expect(await archive(more)).toEqual({ ...second, filesLeftInPlace: 0 })
    }
    expect(await contents(bench.google.storage, second.processedPath)).toEqual(FILES)
    expect(await contents(bench.google.storage, first.processedPath)).toEqual({})
    expect(await inRaw()).toEqual({})
  })

  test('row 1: a first run that never loaded finds what a reload has loaded, and appends nothing twice', async () => {
    await describeFiles()
    const { processedPath } = await run({ reload: 'a', writeDisposition: 'WRITE_APPEND' })
    expect(await find()).toMatchObject({ load: { rows: 2, writeDisposition: 'WRITE_APPEND' } })
    expect(await archive()).toMatchObject({ processedPath, files: 2 })
  })

  test('row 1: a first run whose files were fixed for a reload ends as that reload has', async () => {
    await describeFiles()
    await put({ 'a.json': 'fixed' })
    const { manifestUri } = (await load({ reload: 'fix' })).plan
    const { processedPath } = await archive({ reload: 'fix' })
    expect(await describeFiles()).toMatchObject({ manifestUri, bytes: 8 })
    expect(await archive()).toMatchObject({ processedPath, bytes: 8 })
  })

  test('row 1: a reload that never loaded gets its files back from where another one has archived them', async () => {
    await run()
    await describeFiles({ reload: 'a' })
    await run({ reload: 'b' })
    await describeFiles({ reload: 'a' })
    expect(await inRaw()).toEqual(FILES)
    expect(await find({ reload: 'a' })).toEqual({ isUnderWay: false })
  })

  test('row 1: a reload takes the file as it was last described, not an older one of its name', async () => {
    await run()
    await put({ 'a.json': 'newer' })
    await run({ reload: 'a' })
    await describeFiles({ reload: 'b' })
    expect(await inRaw()).toEqual({ 'a.json': 'newer', 'b.json': 'two' })
  })

  test('row 1: a move that stopped midway is finished by whichever run of the batch is next', async () => {
    await run()
    const { processedPath } = await run({ reload: 'a' })
    // The next reload has copied one file back, and has moved the other.
    await put(FILES)
    await removeObject(bench.google.storage, `${processedPath}b.json`)
    expect(await describeFiles()).toMatchObject({ files: 2 })
    expect(await archive()).toMatchObject({ processedPath, files: 2 })
    expect(await inRaw()).toEqual({})
    expect(await contents(bench.google.storage, processedPath)).toEqual(FILES)
  })

  test('row 1: a loaded batch whose reload was bad is archived again from the failed path', async () => {
    const { processedPath } = await run()
    await describeFiles({ reload: 'a' })
    await fail({ reload: 'a' })
    expect(await find()).toMatchObject({ load: { rows: 2 } })
    expect(await archive()).toMatchObject({ processedPath, files: 2 })
    expect(await contents(bench.google.storage, planOf().failedPath)).toEqual({})
  })

  test('row 1: a file that is nowhere is still RawFilesMissing', async () => {
    const { processedPath } = await run()
    await removeObject(bench.google.storage, `${processedPath}a.json`)
    await expect(describeFiles()).rejects.toMatchObject({ type: 'RawFilesMissing' })
  })
})

describe('row 2: a batch without rows', () => {
  const empty = async (more?: More) => {
    const { plan, attempt } = await bench.readyAs(planOf(more), 0)
    return bench.bench.call('recordEmptyBatch', [plan, attempt])
  }

  test('row 2: is found by every later run, before and after its archive, whatever that names', async () => {
    expect(await empty()).toMatchObject({ rows: 0 })
    for (const more of [{}, { writeDisposition: 'WRITE_APPEND' as const }, { outputTable: bench.table() }]) {
      expect(await find(more)).toMatchObject({ load: { rows: 0 } })
      expect(await archive(more)).toMatchObject({ files: 2 })
      expect(await find(more)).toMatchObject({ load: { rows: 0 } })
    }
    expect(await bench.loadJobs(outputTable)).toEqual([])
  })

  test('row 2: is noted once, also when the first reply was lost', async () => {
    await bench.storage.addFault({ on: 'objects.insert', match: 'load.json', when: 'after', kind: 'drop' })
    const { plan, attempt } = await bench.readyAs(planOf(), 0)
    await bench.bench.callWithRetries('recordEmptyBatch', [plan, attempt])
    expect(await bench.bench.call('recordEmptyBatch', [plan, attempt])).toMatchObject({ rows: 0 })
  })

  test('row 2: is not believed to be one by a call alone', async () => {
    const { plan, attempt } = await bench.readyAs(planOf(), 2)
    await expect(bench.bench.call('recordEmptyBatch', [plan, attempt])).rejects.toMatchObject({
      type: 'CountsDiffer',
    })
    expect(await find()).toEqual({ isUnderWay: false })
  })

  test('row 2: is run anew by a reload', async () => {
    await empty()
    await archive()
    await describeFiles({ reload: 'a' })
    expect(await inRaw()).toEqual(FILES)
    expect(await find({ reload: 'a' })).toEqual({ isUnderWay: false })
  })
})

describe('row 3: files of bad batches', () => {
  test('row 3: two batches with one failed path and the same names never mix', async () => {
    const chosen = (name: string) => {
      const failedPath = `chosen/shared/failed-${name}`
      return [
        { rawPath: `here/raw-${name}`, outputTable, failedPath },
        { rawPath: `there/raw-${name}`, outputTable, failedPath },
      ].map((input) => bench.bench.plan(input))
    }
    const [good, bad] = chosen(String(batches))
    if (good === undefined || bad === undefined) throw new Error('There are two.')
    await put({ 'a.json': 'good' }, good.rawPath)
    await put({ 'a.json': 'bad' }, bad.rawPath)
    for (const plan of [bad, good]) {
      await bench.bench.call('describeRawFiles', [plan])
      await bench.bench.call('moveRawFilesToFailed', [plan, BAD])
    }
    await bench.bench.call('describeRawFiles', [good])
    expect(await contents(bench.google.storage, good.rawPath)).toEqual({ 'a.json': 'good' })
    expect(await contents(bench.google.storage, bad.failedPath)).toMatchObject({ 'a.json': 'bad' })
  })

  test('row 3: what a reload had is kept apart from what the run before it had', async () => {
    await describeFiles()
    await fail()
    await put({ 'a.json': 'other' })
    await describeFiles({ reload: 'a' })
    await fail({ reload: 'a' })
    const failed = await contents(bench.google.storage, planOf().failedPath)
    expect(failed).toMatchObject({
      'a.json': 'one',
      'reload=a/a.json': 'other',
      'reload=a/b.json': 'two',
      'reload=a/_FAILURE.json': expect.stringContaining('TooManyRejects'),
    })
    expect(await inRaw()).toEqual({})
    // The next one goes on with what was described last.
    await describeFiles({ reload: 'b' })
    expect(await inRaw()).toEqual({ 'a.json': 'other', 'b.json': 'two' })
  })

  test('row 3: are found wherever an earlier run of the batch was told to put them', async () => {
    const failedPath = `chosen/failed-${planOf().batchName.slice('raw-'.length)}`
    await describeFiles({ failedPath })
    await fail({ failedPath })
    expect(await inRaw()).toEqual({})
    await describeFiles()
    expect(await inRaw()).toEqual(FILES)
  })

  test('row 3: in a folder that callers may not use any more are said to be there', async () => {
    const failedPath = `chosen/failed-${planOf().batchName.slice('raw-'.length)}`
    await describeFiles({ failedPath })
    await fail({ failedPath })
    const { settings } = bench.bench
    const closed = activityBench(bench.cloud, bench.google, {
      defaults: { ...settings.defaults, callerFolders: [] },
    })
    await expect(closed.call('describeRawFiles', [planOf()])).rejects.toMatchObject({
      type: 'RawFilesMissing',
      message: expect.stringMatching(/It may be in chosen\/failed-.*CALLER_FOLDERS/),
    })
  })
})

describe('row 8, row 11: what a batch was loaded with', () => {
  test('row 8: a load that replaced, of a run that died before its archive, is not appended to', async () => {
    await load({ writeDisposition: 'WRITE_TRUNCATE' })
    await expect(find({ writeDisposition: 'WRITE_APPEND' })).rejects.toMatchObject({
      type: 'LoadedOtherwise',
      nonRetryable: true,
      message: expect.stringMatching(/with WRITE_TRUNCATE .*names WRITE_APPEND\..*"reload"/),
    })
    const { plan, attempt, output } = await bench.readyAs(planOf({ writeDisposition: 'WRITE_APPEND' }))
    await expect(bench.bench.call('loadTable', [plan, attempt, output])).rejects.toMatchObject({
      type: 'LoadedOtherwise',
    })
    expect(await bench.rowsIn(outputTable)).toBe(2)
  })

  test('row 8, row 11: other defaults than the batch was loaded with load nothing, and complete the archive', async () => {
    await load()
    const changed = activityBench(bench.cloud, bench.google, {
      defaults: {
        ...bench.bench.settings.defaults,
        outputTable: bench.table(),
        writeDisposition: 'WRITE_APPEND',
      },
    })
    const plan = changed.plan({ rawPath })
    expect(plan.outputTable).not.toBe(outputTable)
    const batch = await changed.call('describeRawFiles', [plan])
    expect(await changed.call('findLoad', [plan, batch])).toMatchObject({
      load: { rows: 2, outputTable, writeDisposition: 'WRITE_TRUNCATE' },
    })
    expect(await changed.call('archiveRawFiles', [plan])).toMatchObject({ files: 2 })
    expect(await bench.loadJobs(plan.outputTable)).toEqual([])
  })

  test('row 11: another table is refused before anything is paid for, loaded or archived', async () => {
    const { processedPath } = await run()
    await expect(find({ outputTable: bench.table() })).rejects.toMatchObject({ type: 'LoadedOtherwise' })
    expect(await contents(bench.google.storage, processedPath)).toEqual(FILES)
  })

  test('row 11: the table that a reload has loaded may be named, and no other', async () => {
    await run()
    const other = bench.table()
    await run({ outputTable: other, reload: 'other' })
    expect(await find({ outputTable: other })).toMatchObject({ load: { outputTable: other } })
    expect(await find()).toMatchObject({ load: { outputTable } })
    await expect(find({ outputTable: bench.table() })).rejects.toMatchObject({ type: 'LoadedOtherwise' })
  })

  test('row 11: a load that failed has loaded nothing, so another table and disposition are fine', async () => {
    await bench.bigquery.post('/job-faults', { type: 'load', reason: 'invalid' })
    await expect(load()).rejects.toMatchObject({ type: 'LoadFailed' })
    const other = { outputTable: bench.table(), writeDisposition: 'WRITE_APPEND' } as const
    await load(other)
    expect(await bench.rowsIn(other.outputTable)).toBe(2)
    expect(await find(other)).toMatchObject({ load: other })
  })

  test('row 8: a load whose run died before it could say so counts, and is noted for ever with the archive', async () => {
    await bench.storage.addFault({
      on: 'objects.insert',
      match: 'load.json',
      skip: 1,
      kind: 'error',
      code: 403,
    })
    await expect(load()).rejects.toMatchObject({ type: 'PermissionDenied' })
    await bench.storage.clear()
    expect(await find()).toMatchObject({ load: { rows: 2 } })
    await archive()
    const note = JSON.parse((await contents(bench.google.storage, planOf().notesPath))['load.json'] ?? '')
    expect(note).toMatchObject({ state: 'loaded', rows: 2, rowsWritten: 2, outputTable })
  })

  test('row 8: a load that is noted counts though BigQuery has forgotten its jobs, or lets nobody read them', async () => {
    await run()
    for (const code of [404, 403]) {
      await bench.bigquery.addFault({
        on: 'jobs.get',
        kind: 'error',
        code,
        reason: 'accessDenied',
        times: 99,
      })
      expect(await find()).toMatchObject({ load: { rows: 2 } })
      await bench.bigquery.clear()
    }
  })

  test('row 8: a load that was asked for, and of which nothing can be known, is not made again', async () => {
    const { plan } = await load()
    const note = JSON.parse((await contents(bench.google.storage, plan.notesPath))['load.json'] ?? '')
    const { rows: _, rowsWritten: __, jobId: ___, ...asked } = { ...note, state: 'asked' }
    const write = (value: object) =>
      putObject(bench.google.storage, noteOf('load.json'), JSON.stringify(value))
    await write(asked)
    await bench.bigquery.addFault({
      on: 'jobs.get',
      kind: 'error',
      code: 403,
      reason: 'accessDenied',
      times: 99,
    })
    await expect(find()).rejects.toMatchObject({
      type: 'PermissionDenied',
      message: expect.stringMatching(/by another account.*bigquery\.jobs\.get/),
    })
    await bench.bigquery.clear()
    await write({ ...asked, at: '2019-03-01T00:00:00.000Z', loadId: `average_speed_${'0'.repeat(40)}` })
    await expect(find()).rejects.toMatchObject({
      type: 'LoadUnknown',
      message: expect.stringMatching(/asked for on 2019-03-01.*delete gs:.*load\.json/),
    })
  })

  test('row 8: a batch that is archived and whose note is gone is not loaded again', async () => {
    await run()
    await removeObject(bench.google.storage, noteOf('load.json'))
    expect(await find()).toMatchObject({ load: { rows: 2 } })
    // The id of its load jobs is the same for every disposition, and another one for another table.
    const appending = find({ writeDisposition: 'WRITE_APPEND' })
    await expect(appending).rejects.toMatchObject({ type: 'LoadedOtherwise' })
    await expect(find({ outputTable: bench.table() })).rejects.toMatchObject({ type: 'LoadUnknown' })
  })
})
