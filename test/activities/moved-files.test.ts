import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { CancelledFailure } from '@temporalio/activity'
import { ActivityCancellationDetails } from '@temporalio/common'
import { confirmPlan } from '../../activities/confirmed-plan.ts'
import { moveObjects } from '../../activities/moves.ts'
import { type Entry, entriesOf, fileAt } from '../../activities/objects.ts'
import { batchFolders } from '../../activities/storage/own-folder.ts'
import type { GoogleClients } from '../../src/clients.ts'
import type { RunPlan } from '../../workflows/plan.ts'
import { type ActivityBench, activityBench, activityEnvironment } from '../support/activities.ts'
import { Control } from '../support/control.ts'
import { startCloud, type TestCloud } from '../support/local-cloud.ts'
import { contents, putObject, removeObject } from '../support/objects.ts'
import { until } from '../support/until.ts'
import { googleOnStorage } from './storage-bench.ts'

let cloud: TestCloud
let google: GoogleClients
let bench: ActivityBench
let storage: Control
let plan: RunPlan
let batches = 0

beforeAll(async () => {
  cloud = await startCloud({ services: ['storage'] })
  google = googleOnStorage(cloud)
  bench = activityBench(cloud, google)
  storage = new Control(cloud.get('STORAGE_CONTROL_URL'))
})
beforeEach(async () => {
  await storage.clear()
  plan = bench.plan({ rawPath: `moves/raw-${++batches}` })
})
afterAll(async () => {
  await google?.close()
  await cloud?.close()
})

const put = (name: string, content: string) => putObject(google.storage, `${plan.rawPath}${name}`, content)
const raw = () => contents(google.storage, plan.rawPath)
const REASON = { type: 'TooManyRejects', message: 'bad', workflowId: 'w' }

describe('archiveRawFiles', () => {
  test('P8: a newer file with the name of one that is archived already is left in place', async () => {
    await put('a.json', 'one')
    const batch = await bench.call('describeRawFiles', [plan])
    const first = await bench.call('archiveRawFiles', [plan])
    await put('a.json', 'newer')
    expect(await bench.call('describeRawFiles', [plan])).toEqual(batch)
    expect(await bench.call('archiveRawFiles', [plan])).toEqual({ ...first, filesLeftInPlace: 1 })
    expect(await raw()).toEqual({ 'a.json': 'newer' })
    expect(await contents(google.storage, first.processedPath)).toEqual({ 'a.json': 'one' })
  })

  test('P8: what it reports is what lies in the processed path, and that must be all', async () => {
    await put('a.json', 'one')
    await put('b.json', 'three')
    const batch = await bench.call('describeRawFiles', [plan])
    const archive = await bench.call('archiveRawFiles', [plan])
    expect(archive).toMatchObject({ files: 2, bytes: 8 })
    expect(batch).toMatchObject({ files: 2, bytes: 8 })
    await put('a.json', 'one')
    await removeObject(google.storage, `${archive.processedPath}b.json`)
    await expect(bench.call('archiveRawFiles', [plan])).rejects.toMatchObject({
      type: 'RawFilesMissing',
    })
  })

  test('P8: a file that vanishes from the processed path while the others are moved is missed', async () => {
    await put('a.json', 'one')
    await put('b.json', 'two')
    await bench.call('describeRawFiles', [plan])
    const { processedPath } = await bench.call('archiveRawFiles', [plan])
    // a.json is to be moved once more, and b.json vanishes meanwhile.
    await removeObject(google.storage, `${processedPath}a.json`)
    await put('a.json', 'one')
    await storage.clear()
    await storage.addFault({ on: 'objects.rewrite', kind: 'latency', latencyMs: 1_000 })
    const outcome = expect(bench.call('archiveRawFiles', [plan])).rejects.toMatchObject({
      type: 'RawFilesMissing',
    })
    await until('a move has begun', async () => 'objects.rewrite' in (await storage.calls()))
    await removeObject(google.storage, `${processedPath}b.json`)
    await outcome
  })

  test('P8: a file that has changed after the load is not archived in place of the one that was loaded', async () => {
    await put('a.json', 'one')
    await put('b.json', 'two')
    await bench.call('describeRawFiles', [plan])
    await put('b.json', 'changed')
    await expect(bench.call('archiveRawFiles', [plan])).rejects.toMatchObject({
      type: 'RawFilesChanged',
    })
    expect(await raw()).toEqual({ 'a.json': 'one', 'b.json': 'changed' })
  })

  test('P8: a file that changes between the look at it and its move is left in place', async () => {
    await put('a.json', 'one')
    await bench.call('describeRawFiles', [plan])
    await storage.addFault({ on: 'objects.rewrite', kind: 'latency', latencyMs: 1_000 })
    const outcome = expect(bench.call('archiveRawFiles', [plan])).rejects.toMatchObject({
      type: 'RawFilesChanged',
    })
    await until('a move has begun', async () => 'objects.rewrite' in (await storage.calls()))
    await put('a.json', 'changed')
    await outcome
    expect(await raw()).toEqual({ 'a.json': 'changed' })
  })

  test.each([
    [
      'lets go, to be taken up by another worker, when the worker shuts down',
      'WORKER_SHUTDOWN',
      { workerShutdown: true },
    ],
    ['lets go when it is cancelled', 'CANCELLED', { cancelRequested: true }],
  ] as const)('%s, and goes on from there', async (_, reason, details) => {
    const names = Array.from({ length: 80 }, (_, i) => `f-${i}.json`)
    await Promise.all(names.map((name) => put(name, name)))
    await bench.call('describeRawFiles', [plan])
    await storage.addFault({ on: 'objects.rewrite', kind: 'latency', latencyMs: 200, times: 80 })
    const environment = activityEnvironment()
    const archive = bench.call('archiveRawFiles', [plan], { environment })
    const outcome = expect(archive).rejects.toMatchObject(
      reason === 'CANCELLED'
        ? { name: CancelledFailure.name }
        : { type: 'WorkerShutdown', nonRetryable: false },
    )
    await until('a move has begun', async () => 'objects.rewrite' in (await storage.calls()))
    environment.cancel(reason, new ActivityCancellationDetails(details))
    await outcome
    expect(Object.keys(await raw()).length).toBeGreaterThan(0)
    expect(await bench.call('archiveRawFiles', [plan])).toMatchObject({
      files: 80,
      filesLeftInPlace: 0,
    })
    expect(await raw()).toEqual({})
  })
})

test('P8: a list that breaks off ends the moves, but not before those under way', async () => {
  await put('a.json', 'one')
  const { defaults } = bench.settings
  const { raw: from, failed: to } = batchFolders(confirmPlan(plan, defaults), defaults)
  async function* breakingOff(): AsyncGenerator<Entry> {
    yield* entriesOf(google.storage, plan.rawPath)
    throw new Error('the list breaks off')
  }
  await storage.addFault({ on: 'objects.rewrite', kind: 'latency', latencyMs: 500 })
  const moving = activityEnvironment().run(() => moveObjects(google.storage, { from, to }, breakingOff()))
  await expect(moving).rejects.toThrow('the list breaks off')
  expect(await contents(google.storage, plan.failedPath)).toEqual({ 'a.json': 'one' })
  expect(await raw()).toEqual({})
})

describe('P13: files in the failed path', () => {
  test('are moved back only if they are of this batch, where several share the path', async () => {
    const other = bench.plan({ rawPath: `moves/raw-${++batches}`, failedPath: `chosen/failed-${batches}` })
    plan = bench.plan({ rawPath: `moves/deeper/raw-${batches}`, failedPath: `chosen/failed-${batches}` })
    await put('a.json', 'one')
    await putObject(google.storage, `${other.rawPath}b.json`, 'two')
    for (const failing of [plan, other]) {
      await bench.call('describeRawFiles', [failing])
      await bench.call('moveRawFilesToFailed', [failing, REASON])
    }
    const chosen = `gs://${cloud.get('RAW_BUCKET')}/chosen/failed-${batches}/`
    expect(Object.keys(await contents(google.storage, chosen))).toHaveLength(4)
    await bench.call('describeRawFiles', [plan])
    expect(await raw()).toEqual({ 'a.json': 'one' })
  })

  test('are moved back by a reload after they were mended there', async () => {
    await put('a.json', 'bad')
    await bench.call('describeRawFiles', [plan])
    await bench.call('moveRawFilesToFailed', [plan, REASON])
    await putObject(google.storage, `${plan.failedPath}a.json`, 'mended')
    await bench.call('describeRawFiles', [bench.plan({ rawPath: plan.rawPath, reload: 'mended' })])
    expect(await raw()).toEqual({ 'a.json': 'mended' })
  })

  test.each(['objects.rewrite', 'objects.delete', 'objects.insert'])(
    'a lost reply to %s on their way there: each arrives once and leaves once',
    async (on) => {
      await put('a.json', 'one')
      await bench.call('describeRawFiles', [plan])
      await storage.addFault({ on, when: 'after', kind: 'drop' })
      await bench.callWithRetries('moveRawFilesToFailed', [plan, REASON])
      expect(await contents(google.storage, plan.failedPath)).toMatchObject({ 'a.json': 'one' })
      expect(await raw()).toEqual({})
    },
  )
})

describe('row 16: an object under a hold, or retained', () => {
  const hold = (uri: string, temporaryHold: boolean) =>
    fileAt(google.storage, uri).setMetadata({ temporaryHold })
  const HELD = {
    type: 'ObjectHeld',
    nonRetryable: true,
    message: expect.stringMatching(
      /archive gs:.*a\.json' is under active Temporary hold.*Release the hold.*not loaded again/,
    ),
  }

  test('in the raw path: the archive waits by name, and goes its way once the hold is gone', async () => {
    await put('a.json', 'one')
    await put('b.json', 'two')
    await bench.call('describeRawFiles', [plan])
    await hold(`${plan.rawPath}a.json`, true)
    await expect(bench.call('archiveRawFiles', [plan])).rejects.toMatchObject(HELD)
    expect(await raw()).toHaveProperty(['a.json'], 'one')
    await hold(`${plan.rawPath}a.json`, false)
    const { processedPath } = await bench.call('archiveRawFiles', [plan])
    expect(await contents(google.storage, processedPath)).toEqual({ 'a.json': 'one', 'b.json': 'two' })
    expect(await raw()).toEqual({})
  })

  test('in the processed path, as a bucket that retains its objects has it: a move that had stopped is finished', async () => {
    await put('a.json', 'one')
    await bench.call('describeRawFiles', [plan])
    const bucket = google.storage.bucket(cloud.get('PROCESSED_BUCKET'))
    await bucket.setMetadata({ retentionPolicy: { retentionPeriod: 3600 } })
    try {
      await storage.addFault({
        on: 'objects.delete',
        match: 'a.json',
        kind: 'error',
        code: 403,
        reason: 'forbidden',
      })
      await expect(bench.call('archiveRawFiles', [plan])).rejects.toMatchObject({ type: 'PermissionDenied' })
      await storage.clear()
      expect(await bench.call('archiveRawFiles', [plan])).toMatchObject({ files: 1 })
      expect(await raw()).toEqual({})
    } finally {
      await bucket.setMetadata({ retentionPolicy: null })
    }
  })

  test('with other bytes in its place is told as what it is', async () => {
    await put('a.json', 'one')
    await bench.call('describeRawFiles', [plan])
    await putObject(google.storage, `${plan.failedPath}a.json`, 'other')
    await hold(`${plan.failedPath}a.json`, true)
    await expect(bench.call('moveRawFilesToFailed', [plan, REASON])).rejects.toMatchObject({
      type: 'RawFilesChanged',
    })
    await hold(`${plan.failedPath}a.json`, false)
  })

  test.each([
    [
      'accountDisabled',
      'The billing account for the owning project is disabled in state absent',
      /Link the project to a billing account/,
    ],
    [
      'forbidden',
      'The project to be billed is associated with an absent billing account.',
      /Link the project to a billing account/,
    ],
    [
      'vpcServiceControls',
      "Request is prohibited by organization's policy. vpcServiceControlsUniqueIdentifier: x",
      /perimeter of VPC Service Controls/,
    ],
    [
      'forbidden',
      'Cloud KMS Key projects/p/locations/l/keyRings/r/cryptoKeys/k is not enabled',
      /Enable or restore the key/,
    ],
    [
      'accessNotConfigured',
      'Cloud Storage has not been used in project 1 before or it is disabled.',
      /Enable the API/,
    ],
  ])('row 16: a 403 that no grant would change (%s: %s) says what would', async (reason, message, remedy) => {
    await put('a.json', 'one')
    await storage.addFault({ on: 'objects.list', kind: 'error', code: 403, reason, message, times: 9 })
    const outcome = expect(bench.call('describeRawFiles', [plan])).rejects
    await outcome.toMatchObject({
      type: 'AccessBlocked',
      nonRetryable: true,
      message: expect.stringMatching(remedy),
    })
    await storage.clear()
    expect(await bench.call('describeRawFiles', [plan])).toMatchObject({ files: 1 })
  })
})

describe('a bucket', () => {
  test('that is not there is NotFound, and the sentence says what to do', async () => {
    const { defaults } = bench.settings
    const elsewhere = activityBench(cloud, google, {
      defaults: { ...defaults, stateBucket: 'no-such-bucket-here' },
    })
    await expect(
      elsewhere.call('claimBatch', [elsewhere.plan({ rawPath: plan.rawPath })]),
    ).rejects.toMatchObject({
      type: 'NotFound',
      nonRetryable: true,
      message: expect.stringMatching(/bucket does not exist.*Create what is missing/),
    })
  })

  test.each([503, 429])('that answers %i for a while is worth another try', async (code) => {
    await put('a.json', 'one')
    await storage.addFault({ on: 'objects.list', kind: 'error', code })
    expect(await bench.callWithRetries('describeRawFiles', [plan])).toMatchObject({ files: 1 })
  })

  test.each([
    ['a lost answer', { kind: 'drop', when: 'after' }],
    ['an outage', { kind: 'error', code: 503 }],
  ])('whose objects cannot be read for a while (%s) is worth another try', async (_, fault) => {
    await put('a.json', 'one')
    const batch = await bench.call('describeRawFiles', [plan])
    await storage.addFault({ on: 'objects.getMedia', times: 2, ...fault })
    expect(await bench.callWithRetries('describeRawFiles', [plan])).toEqual(batch)
  })

  test.each(['objects.list', 'objects.get', 'objects.getMedia', 'objects.rewrite', 'objects.delete'])(
    'in which %s is not allowed is PermissionDenied at once, and nothing is lost',
    async (on) => {
      await put('a.json', 'one')
      await bench.call('describeRawFiles', [plan])
      await storage.addFault({
        on,
        kind: 'error',
        code: 403,
        reason: 'forbidden',
        message: `no ${on}`,
        times: 99,
      })
      await expect(bench.call('archiveRawFiles', [plan])).rejects.toMatchObject({
        type: 'PermissionDenied',
        nonRetryable: true,
        message: expect.stringContaining("Grant the worker's service account"),
      })
      await storage.clear()
      expect(await bench.call('archiveRawFiles', [plan])).toMatchObject({ files: 1 })
    },
  )
})
