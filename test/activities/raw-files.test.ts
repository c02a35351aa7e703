import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import type { GoogleClients } from '../../src/clients.ts'
import type { RunPlan } from '../../workflows/plan.ts'
import { type ActivityBench, activityBench } from '../support/activities.ts'
import { googleClientsOf } from '../support/clients.ts'
import { Control } from '../support/control.ts'
import { holdCall } from '../support/holds.ts'
import { startCloud, type TestCloud } from '../support/local-cloud.ts'
import { contents, putObject, removeObject } from '../support/objects.ts'

const DAY = new Date().toISOString().slice(0, 10)

let cloud: TestCloud
let google: GoogleClients
let bench: ActivityBench
let storage: Control
let plan: RunPlan
let archived: string
let batches = 0

beforeAll(async () => {
  cloud = await startCloud({ services: ['storage'] })
  const unused = { DATAPROC_API_ENDPOINT: 'http://127.0.0.1:9', BIGQUERY_API_ENDPOINT: 'http://127.0.0.1:9' }
  google = googleClientsOf({
    ...cloud,
    get: (name) => (unused as Record<string, string>)[name] ?? cloud.get(name),
  })
  bench = activityBench(cloud, google)
  storage = new Control(cloud.get('STORAGE_CONTROL_URL'))
})
afterAll(async () => {
  await google?.close()
  await cloud?.close()
})
beforeEach(async () => {
  plan = bench.plan({ rawPath: `files/raw-${++batches}` })
  archived = `gs://${cloud.get('PROCESSED_BUCKET')}/files/processed_date=${DAY}/raw-${batches}/`
  await putObject(google.storage, `${plan.rawPath}a.json`, 'one')
  await putObject(google.storage, `${plan.rawPath}deep/b ü.json`, 'two')
})

const describeFiles = (ofPlan = plan) => bench.call('describeRawFiles', [ofPlan])
const archive = async (ofPlan = plan) => {
  await describeFiles(ofPlan)
  return bench.call('archiveRawFiles', [ofPlan])
}

describe('describeRawFiles', () => {
  test('P8: writes down name, generation, size and checksum of each file, and reports only counts', async () => {
    const batch = await describeFiles()
    expect(batch).toMatchObject({ manifestUri: plan.manifestUri, files: 2, bytes: 6 })
    const manifests = plan.manifestUri.slice(0, -'manifest.ndjson'.length)
    const { 'manifest.ndjson': manifest = '' } = await contents(google.storage, manifests)
    const lines = manifest
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines.map(({ name }) => name)).toEqual([
      `files/raw-${batches}/a.json`,
      `files/raw-${batches}/deep/b ü.json`,
    ])
    for (const line of lines) {
      expect(line).toEqual({
        name: expect.any(String),
        generation: expect.stringMatching(/^\d+$/),
        size: 3,
        crc32c: expect.any(String),
      })
    }
  })

  test('P7: gives the same digest for ever, whatever is moved or lands meanwhile', async () => {
    const first = await describeFiles()
    await putObject(google.storage, `${plan.rawPath}late.json`, 'late')
    await bench.call('moveRawFilesToFailed', [
      plan,
      { type: 'TooManyRejects', message: 'bad', workflowId: 'w' },
    ])
    expect(await describeFiles()).toEqual(first)
    await bench.call('archiveRawFiles', [plan])
    expect(await describeFiles()).toEqual(first)
  })

  test('an empty or absent folder is RawFilesMissing', async () => {
    await expect(describeFiles(bench.plan({ rawPath: 'files/raw-none' }))).rejects.toMatchObject({
      type: 'RawFilesMissing',
      nonRetryable: true,
      message: expect.stringContaining('no files under'),
    })
  })

  test.each([
    ['trips.json.snappy', /files with this ending are not read\. Export one JSON object a line/],
    ['trips.LZ4', /files with this ending are not read/],
    ['trips.json.bz2', /files with this ending are not read/],
    ['trips.GZ', /files with this ending are not read/],
    ['deep/trips.parquet', /files with this ending are not read/],
    ['a:b*.json', /a colon and one of/],
    ['d:e/f[1].json', /a colon and one of/],
    ['_trips.json', /hidden file\. Rename the file/],
    ['a//b.json', /an empty, '\.' or '\.\.' part/],
    ['_FAILURE.json', /the name of the note.*Rename the file/],
  ])(
    'rows 13 and 17: %s is refused before a cluster is paid for, and stays where it is',
    async (name, says) => {
      await putObject(google.storage, `${plan.rawPath}${name}`, 'trips')
      await expect(describeFiles()).rejects.toMatchObject({
        type: 'InvalidInput',
        nonRetryable: true,
        message: expect.stringMatching(says),
      })
      expect(Object.keys(await contents(google.storage, plan.rawPath))).toContain(name)
      await removeObject(google.storage, `${plan.rawPath}${name}`)
      expect(await describeFiles()).toMatchObject({ files: 2 })
    },
  )

  test('row 13: a compressed file without a byte was cut off', async () => {
    await putObject(google.storage, `${plan.rawPath}a.json.gz`, '')
    await expect(describeFiles()).rejects.toMatchObject({
      type: 'InvalidInput',
      message: expect.stringMatching(/a\.json\.gz: the compressed file is empty, so it was cut off/),
    })
  })

  test('a script of your own may read what the release would not, but the name of the note is taken', async () => {
    const { release: _, ...spark } = bench.settings.spark
    const own = activityBench(cloud, google, { spark: { ...spark, scriptUri: 'gs://scripts/own.py' } })
    for (const name of ['trips.parquet', '_trips.json', 'a:b*.json'])
      await putObject(google.storage, `${plan.rawPath}${name}`, 'trips')
    expect(await own.call('describeRawFiles', [plan])).toMatchObject({ files: 5 })
    const other = own.plan({ rawPath: `files/raw-own-${batches}` })
    await putObject(google.storage, `${other.rawPath}_FAILURE.json`, 'raw')
    await expect(own.call('describeRawFiles', [other])).rejects.toMatchObject({ type: 'InvalidInput' })
  })

  test('P13: moves failed files back, and leaves their reason where it was', async () => {
    await describeFiles()
    await bench.call('moveRawFilesToFailed', [
      plan,
      { type: 'TooManyRejects', message: 'bad', workflowId: 'w' },
    ])
    expect(Object.keys(await contents(google.storage, plan.rawPath))).toEqual([])
    await describeFiles()
    expect(await contents(google.storage, plan.rawPath)).toEqual({ 'a.json': 'one', 'deep/b ü.json': 'two' })
    expect(Object.keys(await contents(google.storage, plan.failedPath))).toEqual(['_FAILURE.json'])
  })

  test('a described file that has changed is RawFilesChanged, and the sentence says what to do', async () => {
    await describeFiles()
    await putObject(google.storage, `${plan.rawPath}a.json`, 'another')
    await expect(describeFiles()).rejects.toMatchObject({
      type: 'RawFilesChanged',
      message: expect.stringContaining('"reload"'),
    })
  })

  test('a described file that is nowhere is RawFilesMissing', async () => {
    await describeFiles()
    await removeObject(google.storage, `${plan.rawPath}a.json`)
    await expect(describeFiles()).rejects.toMatchObject({ type: 'RawFilesMissing' })
  })

  test('a reload moves the archived files back and has a manifest of its own', async () => {
    const first = await describeFiles()
    await archive()
    const reload = bench.plan({ rawPath: plan.rawPath, reload: 'again' })
    const second = await describeFiles(reload)
    expect(second).toMatchObject({ files: 2, bytes: 6 })
    expect(second.digest).not.toBe(first.digest)
    expect(await contents(google.storage, plan.rawPath)).toEqual({ 'a.json': 'one', 'deep/b ü.json': 'two' })
    expect((await archive(reload)).processedPath).toContain('/reload=again/raw-')
  })
})

describe('archiveRawFiles', () => {
  test('P8: moves the described files, and only those, with their bytes', async () => {
    await describeFiles()
    await putObject(google.storage, `${plan.rawPath}late.json`, 'late')
    expect(await archive()).toEqual({ processedPath: archived, files: 2, bytes: 6, filesLeftInPlace: 1 })
    expect(await contents(google.storage, archived)).toEqual({ 'a.json': 'one', 'deep/b ü.json': 'two' })
    expect(await contents(google.storage, plan.rawPath)).toEqual({ 'late.json': 'late' })
  })

  test('goes on where it stopped: one file copied, one moved', async () => {
    await describeFiles()
    await putObject(google.storage, `${archived}a.json`, 'one')
    await putObject(google.storage, `${plan.notesPath}archive.json`, JSON.stringify({ processedDate: DAY }))
    await putObject(google.storage, `${archived}deep/b ü.json`, 'two')
    await removeObject(google.storage, `${plan.rawPath}deep/b ü.json`)
    expect(await archive()).toMatchObject({ files: 2 })
    expect(await contents(google.storage, archived)).toEqual({ 'a.json': 'one', 'deep/b ü.json': 'two' })
    expect(await contents(google.storage, plan.rawPath)).toEqual({})
  })

  test('a retry on another day keeps the folder of the first', async () => {
    const earlier = archived.replace(DAY, '2019-03-01')
    await putObject(
      google.storage,
      `${plan.notesPath}archive.json`,
      JSON.stringify({ processedDate: '2019-03-01' }),
    )
    expect((await archive()).processedPath).toBe(earlier)
  })

  test('a file whose place is taken by other bytes stays where it is', async () => {
    await putObject(google.storage, `${archived}a.json`, 'other bytes')
    await expect(archive()).rejects.toMatchObject({
      type: 'RawFilesChanged',
      message: expect.stringContaining('Nothing was deleted'),
    })
    expect(await contents(google.storage, plan.rawPath)).toMatchObject({ 'a.json': 'one' })
  })
})

describe('moveRawFilesToFailed', () => {
  test('P12: moves the files and leaves the reason beside them', async () => {
    await describeFiles()
    const reason = { type: 'TooManyRejects', message: 'all are bad', workflowId: 'w1' }
    await bench.call('moveRawFilesToFailed', [plan, reason])
    const { '_FAILURE.json': told = '', ...files } = await contents(google.storage, plan.failedPath)
    expect(files).toEqual({ 'a.json': 'one', 'deep/b ü.json': 'two' })
    expect(JSON.parse(told)).toMatchObject(reason)
  })
})

describe('claimBatch', () => {
  test('P2: a second open run of the batch is refused by name', async () => {
    await bench.call('claimBatch', [plan], { workflowId: 'first' })
    bench.open.add('first')
    await expect(bench.call('claimBatch', [plan], { workflowId: 'second' })).rejects.toMatchObject({
      type: 'BatchInProgress',
      message: expect.stringContaining('first'),
    })
  })

  test('P2: the claim of a run that is closed, however it ended, is taken over', async () => {
    await bench.call('claimBatch', [plan], { workflowId: 'dead' })
    await bench.call('claimBatch', [plan], { workflowId: 'second' })
    bench.open.add('second')
    await expect(bench.call('claimBatch', [plan], { workflowId: 'third' })).rejects.toMatchObject({
      type: 'BatchInProgress',
    })
  })

  test('P2: of many runs that claim at the same time, one wins', async () => {
    const runs = Array.from({ length: 10 }, (_, i) => `run-${i}`)
    for (const run of runs) bench.open.add(run)
    const outcomes = await Promise.allSettled(
      runs.map((run) => bench.call('claimBatch', [plan], { workflowId: run })),
    )
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  })

  test('is ours again when the activity is repeated, and is given up by nobody else', async () => {
    await bench.call('claimBatch', [plan], { workflowId: 'first' })
    bench.open.add('first')
    await bench.call('claimBatch', [plan], { workflowId: 'first' })
    await bench.call('releaseBatch', [plan], { workflowId: 'second' })
    await expect(bench.call('claimBatch', [plan], { workflowId: 'second' })).rejects.toMatchObject({
      type: 'BatchInProgress',
    })
    await bench.call('releaseBatch', [plan], { workflowId: 'first' })
    await bench.call('claimBatch', [plan], { workflowId: 'second' })
  })

  test('P2: belongs to an execution: what a reset has begun takes it, and the earlier one can neither use nor release it', async () => {
    const [before, after] = [
      { workflowId: 'reset', runId: 'before' },
      { workflowId: 'reset', runId: 'after' },
    ]
    bench.reset.set('reset', 'before')
    await bench.call('claimBatch', [plan], before)
    bench.reset.set('reset', 'after')
    await bench.call('describeRawFiles', [plan], after)
    await bench.call('releaseBatch', [plan], before)
    await expect(bench.call('archiveRawFiles', [plan], before)).rejects.toMatchObject({
      type: 'ExecutionEnded',
    })
    await expect(bench.call('claimBatch', [plan], { workflowId: 'other' })).rejects.toMatchObject({
      type: 'BatchInProgress',
    })
    await bench.call('releaseBatch', [plan], after)
    await bench.call('claimBatch', [plan], { workflowId: 'other' })
  })

  test('P2: what an execution took before it was reset is given up by the one that follows', async () => {
    bench.reset.set('reset-late', 'before')
    await bench.call('claimBatch', [plan], { workflowId: 'reset-late', runId: 'before' })
    bench.reset.set('reset-late', 'after')
    await bench.call('releaseBatch', [plan], { workflowId: 'reset-late', runId: 'after' })
    await bench.call('claimBatch', [plan], { workflowId: 'other' })
  })

  test('row 7: a release that was held across a reset leaves the claim of the new execution alone', async () => {
    const [before, after] = ['before', 'after'].map((runId) => ({ workflowId: 'released-late', runId }))
    bench.reset.set('released-late', 'before')
    await bench.call('claimBatch', [plan], before)
    const hold = await holdCall(storage, { on: 'objects.delete', match: 'claim.json' })
    const releasing = bench.call('releaseBatch', [plan], before)
    await hold.reached()
    bench.reset.set('released-late', 'after')
    await bench.call('claimBatch', [plan], after)
    await hold.release('go')
    await releasing
    await expect(bench.call('claimBatch', [plan], { workflowId: 'other' })).rejects.toMatchObject({
      type: 'BatchInProgress',
    })
  })

  test("row 9: a run of another namespace's is left alone, and the failure says how it is released", async () => {
    const elsewhere = activityBench(cloud, google, {}, 'another-namespace')
    const workflowId = 'average-speed/the-same'
    await elsewhere.call('claimBatch', [plan], { workflowId })
    const claim = `${plan.notesPath}claim.json`
    const command = `gcloud storage rm ${claim}`
    for (const run of [workflowId, 'other']) {
      await bench.call('releaseBatch', [plan], { workflowId: run })
      await expect(bench.call('claimBatch', [plan], { workflowId: run })).rejects.toMatchObject({
        type: 'ForeignClaim',
        nonRetryable: true,
        message: expect.stringMatching(
          new RegExp(`another Temporal namespace.*another-namespace.*${command}`),
        ),
      })
    }
    await removeObject(google.storage, claim)
    await bench.call('claimBatch', [plan], { workflowId: 'other' })
    await expect(elsewhere.call('claimTable', [plan], { workflowId })).resolves.toBeUndefined()
    await expect(bench.call('claimTableIfFree', [plan], { workflowId: 'other' })).rejects.toMatchObject({
      type: 'ForeignClaim',
    })
  })

  test('P2: is not taken by an activity whose execution has ended', async () => {
    bench.reset.set('ended', 'a later one')
    await expect(bench.call('claimBatch', [plan], { workflowId: 'ended' })).rejects.toMatchObject({
      type: 'ExecutionEnded',
      nonRetryable: true,
    })
  })
})
