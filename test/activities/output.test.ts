import type { Storage } from '@google-cloud/storage'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { splitUri } from '../../activities/objects.ts'
import { listParts } from '../../activities/output-parts.ts'
import type { GoogleClients } from '../../src/clients.ts'
import type { RunPlan } from '../../workflows/plan.ts'
import type { Attempt, Batch } from '../../workflows/run-types.ts'
import { type ActivityBench, activityBench, activityEnvironment, attemptFor } from '../support/activities.ts'
import { Control } from '../support/control.ts'
import { startCloud, type TestCloud } from '../support/local-cloud.ts'
import { contents, putObject, removeObject } from '../support/objects.ts'
import { googleOnStorage } from './storage-bench.ts'

let cloud: TestCloud
let google: GoogleClients
let bench: ActivityBench
let storage: Control
let plan: RunPlan
let batch: Batch
let attempt: Attempt
let batches = 0

beforeAll(async () => {
  cloud = await startCloud({ services: ['storage'] })
  google = googleOnStorage(cloud)
  bench = activityBench(cloud, google)
  storage = new Control(cloud.get('STORAGE_CONTROL_URL'))
})
beforeEach(async () => {
  await storage.clear()
  plan = bench.plan({ rawPath: `output/raw-${++batches}`, maxRejects: 3, maxRejectShare: 0.5 })
  await putObject(google.storage, `${plan.rawPath}a.json`, 'one')
  batch = await bench.call('describeRawFiles', [plan])
  attempt = attemptFor(plan)
})
afterAll(async () => {
  await google?.close()
  await cloud?.close()
})

/** Writes what the job leaves: counts of rows, and the files that say that it has ended. */
async function wrote(read: number, written: number, rejected: number, more: object = {}): Promise<void> {
  await putObject(google.storage, `${attempt.outputPath}part-00000`, 'rows')
  await putObject(google.storage, `${attempt.outputPath}_SUCCESS`, '')
  const summary = { rows_read: read, rows_written: written, rows_rejected: rejected, files_read: 1, ...more }
  await putObject(google.storage, `${attempt.outputPath}_summary.json`, JSON.stringify(summary))
}
const verify = () => bench.call('verifyOutput', [plan, batch, attempt])

/** Writes accounts of files: their names below the raw path, with records read, written and rejected. */
async function accounted(files: readonly (readonly [string, number, number, number])[]): Promise<void> {
  const { name: prefix } = splitUri(plan.rawPath)
  const lines = files.map(([name, read, written, rejected]) =>
    JSON.stringify({
      name: `${prefix}${name}`,
      rows_read: read,
      rows_written: written,
      rows_rejected: rejected,
    }),
  )
  await putObject(google.storage, `${attempt.outputPath}_accounts.ndjson`, `${lines.join('\n')}\n`)
}

describe('verifyOutput', () => {
  test('P9: reports the rows that were read, written and rejected', async () => {
    await wrote(10, 9, 1)
    expect(await verify()).toMatchObject({ rowsRead: 10, rowsWritten: 9, rowsRejected: 1 })
  })

  test('P9: an output of no rows is an output', async () => {
    await wrote(0, 0, 0)
    expect(await verify()).toMatchObject({ rowsRead: 0, rowsWritten: 0, rowsRejected: 0 })
  })

  test.each(['_SUCCESS', '_summary.json'])('P9: without %s the output is OutputGone', async (name) => {
    await wrote(10, 10, 0)
    await removeObject(google.storage, `${attempt.outputPath}${name}`)
    await expect(verify()).rejects.toMatchObject({
      type: 'OutputGone',
      nonRetryable: true,
      message: expect.stringMatching(new RegExp(`there is no gs://.*${name}.*retry the run`)),
    })
  })

  test('P9: counts that do not add up are CountsDiffer', async () => {
    await wrote(10, 8, 1)
    await expect(verify()).rejects.toMatchObject({
      type: 'CountsDiffer',
      message: expect.stringContaining('10 read, 8 written, 1 rejected'),
    })
  })

  test('P9: records that a job left out by design are counted, and need no row', async () => {
    await wrote(10, 3, 1, { rows_left_out: 6 })
    expect(await verify()).toMatchObject({ rowsRead: 10, rowsWritten: 3, rowsRejected: 1 })
    await wrote(10, 3, 1, { rows_left_out: 7 })
    await expect(verify()).rejects.toMatchObject({
      type: 'CountsDiffer',
      message: expect.stringContaining('10 read, 3 written, 1 rejected, 7 left out'),
    })
  })

  test('P9: a summary may leave out what is zero or not known, but not what was read and written', async () => {
    await wrote(10, 10, 0, { rows_rejected: undefined, files_read: undefined })
    expect(await verify()).toMatchObject({ rowsRead: 10, rowsWritten: 10, rowsRejected: 0 })
    for (const more of [{ rows_read: undefined }, { rows_written: '10' }, { rows_rejected: -1 }]) {
      await wrote(10, 10, 0, more)
      await expect(verify()).rejects.toMatchObject({
        type: 'CountsDiffer',
        message: expect.stringContaining(`must write a whole number as ${Object.keys(more)[0]}`),
      })
    }
    await putObject(google.storage, `${attempt.outputPath}_summary.json`, 'done')
    await expect(verify()).rejects.toMatchObject({ type: 'CountsDiffer' })
  })

  test('P8: a job that has read another number of files than were described is CountsDiffer', async () => {
    await wrote(10, 10, 0, { files_read: 2 })
    await expect(verify()).rejects.toMatchObject({
      type: 'CountsDiffer',
      message: expect.stringContaining('has read 2 files'),
    })
  })

  test('P9: more rejects than the number allowed are TooManyRejects, with the commonest reasons and what to do', async () => {
    await wrote(100, 96, 4, { rejects_by_reason: { 'not JSON': 1, 'trip_distance is not a number': 3 } })
    await expect(verify()).rejects.toMatchObject({
      type: 'TooManyRejects',
      nonRetryable: true,
      message: expect.stringMatching(
        /^4 of 100 records.* 3 are allowed \(3 × trip_distance is not a number; 1 × not JSON\).*rejected-.*"reload".*"maxRejects"/,
      ),
    })
  })

  test('P9: more rejects than the share allowed are TooManyRejects', async () => {
    await wrote(4, 1, 3)
    await expect(verify()).rejects.toMatchObject({
      type: 'TooManyRejects',
      message: expect.stringContaining('2 are allowed'),
    })
  })

  test('row 12: a rejected line counts as the records that it holds', async () => {
    await wrote(100, 99, 1, { records_rejected: 200 })
    await expect(verify()).rejects.toMatchObject({
      type: 'TooManyRejects',
      message: expect.stringMatching(/^200 of 299 records cannot be read, and 3 are allowed/),
    })
  })

  test('as many rejects as are allowed pass', async () => {
    await wrote(6, 3, 3)
    expect(await verify()).toMatchObject({ rowsRejected: 3 })
  })

  test('P9: all rows rejected is TooManyRejects, whatever is allowed', async () => {
    plan = bench.plan({ rawPath: plan.rawPath, maxRejects: 100, maxRejectShare: 1 })
    await wrote(3, 0, 3)
    await expect(verify()).rejects.toMatchObject({ type: 'TooManyRejects' })
  })

  test('row 12: accounts that agree with manifest and summary pass', async () => {
    await wrote(10, 9, 1, { files_accounted: 1 })
    await accounted([['a.json', 10, 9, 1]])
    expect(await verify()).toMatchObject({ rowsRead: 10, rowsWritten: 9, rowsRejected: 1 })
  })

  test.each([
    [[], /accounts gs:.*_accounts\.ndjson end where gs:.* lists "output\/raw-\d+\/a\.json"/],
    [[['b.json', 10, 9, 1]], /have "output\/raw-\d+\/b\.json" where gs:.* lists ".*\/a\.json"/],
    [
      [
        ['a.json', 10, 9, 1],
        ['b.json', 0, 0, 0],
      ],
      /have ".*\/b\.json", which gs:.* does not/,
    ],
    [[['a.json', 10, 8, 1]], /do not add up for ".*\/a\.json": 10 read, 8 written, 1 rejected, 0 left out/],
    [[['a.json', 9, 8, 1]], /come to 9 records read, and _summary\.json says 10/],
    [[['a.json', 10, 8, 2]], /come to 8 records written, and _summary\.json says 9/],
    [[['a.json', -10, -9, -1]], /hold a line that is no account of a file/],
  ] as const)('row 12: accounts %j are CountsDiffer', async (files, says) => {
    await wrote(10, 9, 1)
    await accounted(files)
    await expect(verify()).rejects.toMatchObject({
      type: 'CountsDiffer',
      nonRetryable: true,
      message: expect.stringMatching(says),
    })
  })

  test('row 12: accounts that the summary speaks of and that are gone are OutputGone', async () => {
    await wrote(10, 9, 1, { files_accounted: 1 })
    await expect(verify()).rejects.toMatchObject({ type: 'OutputGone' })
  })

  test('row 12: a file all of whose records were rejected is RawFileUnreadable, however few they are', async () => {
    plan = bench.plan({ rawPath: `output/raw-${++batches}`, maxRejects: 100, maxRejectShare: 1 })
    for (const name of ['a.json', 'b.json', 'c.json', 'd.json'])
      await putObject(google.storage, `${plan.rawPath}${name}`, name)
    batch = await bench.call('describeRawFiles', [plan])
    attempt = attemptFor(plan)
    const more = { files_read: 4, rejects_by_reason: { 'the line is not one JSON object': 2 } }
    await wrote(1000, 998, 2, more)
    await accounted([
      ['a.json', 997, 997, 0],
      ['b.json', 1, 0, 1],
      ['c.json', 2, 1, 1],
      ['d.json', 0, 0, 0],
    ])
    await expect(verify()).rejects.toMatchObject({
      type: 'RawFileUnreadable',
      nonRetryable: true,
      message: expect.stringMatching(
        /\/b\.json: none of its 1 records can be read \(in the batch: 2 × the line is not one JSON object\)\. They are in gs:.*rejected-.*"reload"/,
      ),
    })
  })

  test('row 12: a batch with too many rejects names the file that has nothing else', async () => {
    await wrote(10, 0, 10)
    await accounted([['a.json', 10, 0, 10]])
    await expect(verify()).rejects.toMatchObject({
      type: 'TooManyRejects',
      message: expect.stringMatching(/all those of gs:.*\/a\.json are among them/),
    })
  })

  test('P8: a raw file that has changed since it was described is RawFilesChanged', async () => {
    await wrote(1, 1, 0)
    await putObject(google.storage, `${plan.rawPath}a.json`, 'two')
    await expect(verify()).rejects.toMatchObject({
      type: 'RawFilesChanged',
      message: expect.stringContaining('"reload"'),
    })
  })

  test('P8: a raw file that is gone is RawFilesMissing, and one that has landed does not matter', async () => {
    await wrote(1, 1, 0)
    await putObject(google.storage, `${plan.rawPath}late.json`, 'late')
    expect(await verify()).toMatchObject({ rowsRead: 1 })
    await removeObject(google.storage, `${plan.rawPath}a.json`)
    await expect(verify()).rejects.toMatchObject({ type: 'RawFilesMissing' })
  })

  test('P8: without the manifest nothing is taken for verified', async () => {
    await wrote(1, 1, 0)
    await removeObject(google.storage, batch.manifestUri)
    await expect(verify()).rejects.toMatchObject({
      type: 'RawFilesMissing',
      message: expect.stringContaining('Restore it and retry the run'),
    })
  })
})

describe('deleteTemporaryFiles', () => {
  const remove = () => bench.call('deleteTemporaryFiles', [plan, attempt])

  test("deletes the attempt's own output and the folders' placeholders, and nothing beside it", async () => {
    await wrote(1, 1, 0)
    await putObject(google.storage, plan.transformedPath, '')
    await putObject(google.storage, attempt.outputPath, '')
    await putObject(google.storage, `${attempt.rejectedPath}part-00000`, 'a reject')
    const other = attemptFor(plan)
    await putObject(google.storage, `${other.outputPath}part-00000`, 'rows')
    await remove()
    expect(Object.keys(await contents(google.storage, plan.transformedPath))).toEqual([
      `${other.key}/part-00000`,
    ])
    expect(await contents(google.storage, attempt.rejectedPath)).toEqual({ 'part-00000': 'a reject' })
    expect(await contents(google.storage, plan.rawPath)).toEqual({ 'a.json': 'one' })
  })

  test('has nothing to do the second time', async () => {
    await wrote(1, 1, 0)
    await remove()
    await remove()
  })

  test('a lost reply to objects.delete: the next try ends well', async () => {
    await wrote(1, 1, 0)
    await storage.addFault({ on: 'objects.delete', when: 'after', kind: 'drop', times: 2 })
    await bench.callWithRetries('deleteTemporaryFiles', [plan, attempt])
    expect(await contents(google.storage, plan.transformedPath)).toEqual({})
  })
})

describe('lost replies of Cloud Storage', () => {
  test('objects.insert of the manifest: it is written once, and described as it was', async () => {
    const fresh = bench.plan({ rawPath: `output/raw-${++batches}` })
    await putObject(google.storage, `${fresh.rawPath}a.json`, 'one')
    await storage.addFault({ on: 'objects.insert', when: 'after', kind: 'drop', match: 'manifest' })
    const described = await bench.callWithRetries('describeRawFiles', [fresh])
    expect(await bench.call('describeRawFiles', [fresh])).toEqual(described)
    const [file] = await google.storage
      .bucket(cloud.get('STATE_BUCKET'))
      .getFiles({ prefix: splitUri(fresh.manifestUri).name, versions: true })
    expect(file).toHaveLength(1)
  })

  test('objects.insert of a claim: the claim is ours', async () => {
    await storage.addFault({ on: 'objects.insert', when: 'after', kind: 'drop', match: 'claim' })
    bench.open.add('first')
    await bench.callWithRetries('claimBatch', [plan], { workflowId: 'first' })
    await expect(bench.call('claimBatch', [plan], { workflowId: 'second' })).rejects.toMatchObject({
      type: 'BatchInProgress',
    })
  })

  test.each(['objects.rewrite', 'objects.delete'])(
    '%s while files are archived: each file arrives once and leaves once',
    async (call) => {
      await putObject(google.storage, `${plan.rawPath}late.json`, 'late')
      await storage.addFault({ on: call, when: 'after', kind: 'drop' })
      const archive = await bench.callWithRetries('archiveRawFiles', [plan])
      expect(archive).toMatchObject({ files: 1, filesLeftInPlace: 1 })
      expect(await contents(google.storage, archive.processedPath)).toEqual({ 'a.json': 'one' })
      expect(await contents(google.storage, plan.rawPath)).toEqual({ 'late.json': 'late' })
    },
  )
})

describe('row 6: the files that a load names', () => {
  /** A listing of so many parts, without their bytes. */
  const listing = (names: readonly string[]) => {
    const items = names.map((name) => ({ name, generation: '1', size: '1', crc32c: 'AAAAAA==' }))
    return { bucket: () => ({ getFiles: async () => [items, null] }) } as unknown as Storage
  }
  const list = (names: readonly string[]) =>
    activityEnvironment().run(() => listParts(listing(names), attempt))
  const parts = (count: number) =>
    Array.from({ length: count }, (_, i) => `part-${String(i).padStart(5, '0')}`)

  test('are 10,000 at most; more fail by name, and say what to do', async () => {
    expect(await list(parts(10_000))).toMatchObject({ files: 10_000 })
    await expect(list(parts(10_001))).rejects.toMatchObject({
      type: 'TooManyParts',
      nonRetryable: true,
      message: expect.stringMatching(/more than 10000 files.*write fewer, larger files/),
    })
  })

  test('do not have a name that BigQuery takes for a pattern', async () => {
    await expect(list(['part-*'])).rejects.toMatchObject({ type: 'CountsDiffer' })
  })

  test('are told apart by their names, their generations and their sizes', async () => {
    await wrote(10, 9, 1)
    const { parts: before } = await verify()
    expect(before.files).toBe(1)
    expect((await verify()).parts).toEqual(before)
    await putObject(google.storage, `${attempt.outputPath}part-00000`, 'rows')
    expect((await verify()).parts.digest).not.toBe(before.digest)
  })
})
