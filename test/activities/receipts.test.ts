import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import type { GoogleClients } from '../../src/clients.ts'
import { type RunReceipt, runIdOf } from '../../workflows/contract.ts'
import type { RunPlan } from '../../workflows/plan.ts'
import { type ActivityBench, activityBench } from '../support/activities.ts'
import { Control } from '../support/control.ts'
import { startCloud, type TestCloud } from '../support/local-cloud.ts'
import { contents, putObject } from '../support/objects.ts'
import { googleOnStorage } from './storage-bench.ts'

let cloud: TestCloud
let google: GoogleClients
let bench: ActivityBench
let storage: Control
let plan: RunPlan
let parent: string
let batches = 0

beforeAll(async () => {
  cloud = await startCloud({ services: ['storage'] })
  google = googleOnStorage(cloud)
  bench = activityBench(cloud, google)
  storage = new Control(cloud.get('STORAGE_CONTROL_URL'))
})
beforeEach(async () => {
  await storage.clear()
  plan = bench.plan({ rawPath: `receipts-${++batches}/raw-1` })
  const day = JSON.stringify({ processedDate: '2019-03-01' })
  await putObject(google.storage, `${plan.notesPath}archive.json`, day)
  parent = `${plan.processedRoot}processed_date=2019-03-01/`
})
afterAll(async () => {
  await google?.close()
  await cloud?.close()
})

function receipt(workflowId: string, more: Partial<RunReceipt> = {}): RunReceipt {
  return {
    receiptVersion: 1,
    runId: runIdOf(workflowId),
    workflowId,
    endedAt: '2019-03-01T00:10:00.000Z',
    rawPath: plan.rawPath,
    outputTable: plan.outputTable,
    writeDisposition: plan.writeDisposition,
    manifestUri: plan.manifestUri,
    files: 1,
    bytes: 2,
    rowsLoaded: 3,
    loadedBefore: true,
    processedPath: `${parent}raw-1/`,
    filesArchived: 1,
    bytesArchived: 2,
    filesLeftInPlace: 0,
    clusters: [],
    clusterSeconds: 0,
    waitingSeconds: 0,
    startedAt: '2019-03-01T00:00:00.000Z',
    cancelledTooLate: false,
    notCleaned: [],
    ...more,
  }
}

/** Writes it on behalf of the run that it is of. */
const write = (mine: RunReceipt) =>
  bench.callWithRetries('writeReceipt', [plan, mine], { workflowId: mine.workflowId })

describe('writeReceipt', () => {
  test('writes beside the folder of the archived files, and not into it', async () => {
    const mine = receipt('average-speed/run-1')
    const uri = await write(mine)
    expect(uri).toBe(`${parent}raw-1.receipts/run-1.json`)
    const found = await contents(google.storage, parent)
    expect(Object.keys(found)).toEqual(['raw-1.receipts/run-1.json'])
    expect(JSON.parse(found['raw-1.receipts/run-1.json'] ?? '')).toEqual(mine)
    expect(await contents(google.storage, `${parent}raw-1/`)).toEqual({})
  })

  test('a lost reply to objects.insert: the effect happens once', async () => {
    await storage.addFault({ on: 'objects.insert', when: 'after', kind: 'drop' })
    const mine = receipt('average-speed/run-1')
    await write(mine)
    await write(mine)
    expect(Object.keys(await contents(google.storage, parent))).toEqual(['raw-1.receipts/run-1.json'])
    expect((await storage.calls())['objects.insert']).toBeLessThanOrEqual(2)
  })

  test('what a run wrote before it was reset is replaced', async () => {
    await write(receipt('average-speed/run-1'))
    await write(receipt('average-speed/run-1', { filesLeftInPlace: 7 }))
    const found = await contents(google.storage, `${parent}raw-1.receipts/`)
    expect(JSON.parse(found['run-1.json'] ?? '')).toMatchObject({ filesLeftInPlace: 7 })
  })

  test('each run has one of its own, whatever its id is made of', async () => {
    const ids = [
      'average-speed/manual__2019-03-01T00:00:00+00:00',
      'average-speed/manual__2019-03-01T00-00-00+00:00',
      'average-speed/a',
      'a',
      'by hand/../#?*',
      `average-speed/${'x'.repeat(200)}`,
      `average-speed/${'x'.repeat(199)}y`,
    ]
    for (const id of ids) await write(receipt(id))
    const found = Object.entries(await contents(google.storage, `${parent}raw-1.receipts/`))
    expect(new Set(found.map(([, text]) => JSON.parse(text).workflowId))).toEqual(new Set(ids))
    for (const [name] of found) expect(name).toMatch(/^[A-Za-z0-9_.+=@~-]{1,140}\.json$/)
  })
})
