import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import type { RunReceipt } from '../../workflows/contract.ts'
import { GOOD_ROWS, loadsOf, placesOf, putBatch, type TestBatch } from '../support/batches.ts'
import { contents } from '../support/objects.ts'
import { type Pipeline, startPipeline } from '../support/pipeline.ts'

let pipeline: Pipeline
beforeAll(async () => {
  pipeline = await startPipeline()
}, 120_000)
beforeEach(() => pipeline.calm())
afterAll(() => pipeline?.close())

/** All receipts of a batch, by their names below the folder of the day. */
async function receiptsOf(batch: TestBatch): Promise<readonly [string, RunReceipt][]> {
  const { receipts } = await placesOf(pipeline, batch)
  const found = await contents(
    pipeline.google.storage,
    `gs://${pipeline.cloud.get('PROCESSED_BUCKET')}/${batch.parent}`,
  )
  return receipts.map((name) => [name.slice(name.indexOf('/') + 1), JSON.parse(found[name] ?? '')])
}

describe('the receipt of a run', () => {
  test('P9: says what the ledger, the table and the buckets say', async () => {
    // Long enough for all states to be seen, and to tell the parts of the time from each other.
    await pipeline.dataprocSettings({ bootMs: 300, deleteMs: 700, jobMs: 500 })
    const batch = await putBatch(pipeline)
    const run = await pipeline.start(batch.input, 'counted')
    const { receiptUri, ...result } = await run.result()

    const receipts = await receiptsOf(batch)
    expect(receipts).toHaveLength(1)
    const [name, receipt] = receipts[0] ?? ['', {} as RunReceipt]
    expect(name).toBe('raw-2019-03-01T000000.receipts/counted.json')
    expect(receiptUri).toBe(`${result.processedPath.replace(/\/$/, '')}.receipts/counted.json`)
    expect(receipt).toEqual({
      receiptVersion: 1,
      runId: 'counted',
      workflowId: run.workflowId,
      endedAt: expect.any(String),
      ...result,
    })
    expect(receipt).toMatchObject({ notCleaned: [], attempt: 1, loadedBefore: false })

    const bytes = Object.values(batch.files).reduce((sum, text) => sum + Buffer.byteLength(text), 0)
    const files = Object.keys(batch.files).length
    expect(receipt).toMatchObject({ files, bytes, filesArchived: files, bytesArchived: bytes })
    const archived = await contents(pipeline.google.storage, receipt.processedPath)
    expect(archived).toEqual(batch.files)
    expect(receipt).toMatchObject({ rowsRead: GOOD_ROWS, rowsWritten: GOOD_ROWS, rowsRejected: 0 })
    expect(await loadsOf(pipeline, batch)).toEqual({ committed: 1, rows: receipt.rowsLoaded })

    const { clusters, jobs } = await pipeline.ledgerOf(run.workflowId)
    expect(receipt.clusters.map(({ name, uuid, deleted }) => ({ name, uuid, deleted }))).toEqual(
      clusters.map(({ name, uuid }) => ({ name, uuid, deleted: true })),
    )
    // The ledger counts from the creation to the end; the run from its request to when it has seen the end.
    const paid = clusters.reduce((sum, { seconds }) => sum + seconds, 0)
    expect(receipt.clusterSeconds).toBeGreaterThanOrEqual(paid - 0.1)
    expect(receipt.clusterSeconds).toBeLessThan(paid + 10)
    const at = (time: string | undefined): number => Date.parse(time ?? '') / 1000
    const waited =
      at(jobs[0]?.submitted) -
      at(clusters[0]?.running) +
      at(clusters[0]?.deleteRequested) -
      at(jobs[0]?.ended)
    expect(receipt.waitingSeconds).toBeCloseTo(waited, 2)
    expect(receipt.waitingSeconds).toBeGreaterThan(0)
    expect(Date.parse(receipt.endedAt)).toBeGreaterThan(Date.parse(receipt.startedAt))
  })

  test('of a run that finds the batch loaded says so, and does not erase the first one', async () => {
    const batch = await putBatch(pipeline)
    const first = await (await pipeline.start(batch.input, 'first')).result()
    const second = await (await pipeline.start(batch.input, 'second')).result()
    const receipts = Object.fromEntries(await receiptsOf(batch))
    expect(Object.keys(receipts).sort()).toEqual([
      'raw-2019-03-01T000000.receipts/first.json',
      'raw-2019-03-01T000000.receipts/second.json',
    ])
    expect(receipts['raw-2019-03-01T000000.receipts/first.json']).toMatchObject({
      runId: 'first',
      clusterSeconds: first.clusterSeconds,
    })
    const later = receipts['raw-2019-03-01T000000.receipts/second.json']
    expect(later).toMatchObject({
      loadedBefore: true,
      rowsLoaded: GOOD_ROWS,
      clusterSeconds: 0,
      clusters: [],
      filesArchived: 2,
      bytesArchived: first.bytes,
    })
    for (const field of ['rowsRead', 'rowsWritten', 'rowsRejected', 'attempt'])
      expect(later).not.toHaveProperty(field)
    expect(second.loadJobId).toBe(first.loadJobId)
  })

  test('P11: that may not be written turns no run red, and the result says so', async () => {
    const batch = await putBatch(pipeline)
    await pipeline.storage.addFault({
      on: 'objects.insert',
      match: 'refused.json',
      kind: 'error',
      code: 403,
      reason: 'forbidden',
      message: 'no permission to write receipts',
      times: 1_000,
    })
    const result = await (await pipeline.start(batch.input, 'refused')).result()
    expect(result).toMatchObject({ rowsLoaded: GOOD_ROWS, filesArchived: 2 })
    expect(result).not.toHaveProperty('receiptUri')
    expect(result.notCleaned).toEqual([
      expect.stringMatching(/^The receipt was not written: .*no permission to write receipts/),
    ])
    const places = await placesOf(pipeline, batch)
    expect(places).toMatchObject({ receipts: [], others: [], claims: [] })
  })
})
