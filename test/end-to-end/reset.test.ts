import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import pMap from 'p-map'
import { GOOD_ROWS, putBadBatch, putBatch, type TestBatch } from '../support/batches.ts'
import { type Ending, endingOf } from '../support/endings.ts'
import { type Pipeline, type Run, startPipeline } from '../support/pipeline.ts'
import { type ResetPoint, resetPoints, resetRun } from '../support/resets.ts'

const CONCURRENT_RUNS = 4

let pipeline: Pipeline
beforeAll(async () => {
  pipeline = await startPipeline()
}, 120_000)
afterAll(() => pipeline?.close())

/** Runs a batch to its end, however it ends. */
async function finished(put: () => Promise<TestBatch>): Promise<{ batch: TestBatch; run: Run }> {
  const batch = await put()
  const run = await pipeline.start(batch.input)
  await run.result().catch(() => undefined)
  return { batch, run }
}

/** Resets a fresh run at each point of such a run's history, and says how each ended. */
async function resetEverywhere(
  put: () => Promise<TestBatch>,
): Promise<(Ending & { readonly point: ResetPoint })[]> {
  const count = (await resetPoints((await finished(put)).run)).length
  return pMap(
    Array.from({ length: count }, (_, i) => i),
    async (i) => {
      const { batch, run } = await finished(put)
      const point = (await resetPoints(run)).at(i) ?? (await resetPoints(run)).at(-1)
      if (point === undefined) throw new Error('The history has no point to reset to.')
      const again = await resetRun(pipeline, run, point.eventId)
      return { ...(await endingOf(pipeline, again, batch)), point }
    },
    { concurrency: CONCURRENT_RUNS },
  )
}

describe('P13: a reset through the API that the Web UI uses', () => {
  test('to any point of a run that succeeded ends in success, without a second load', async () => {
    const endings = await resetEverywhere(() => putBatch(pipeline))
    for (const ending of endings) {
      expect(ending).toMatchObject({
        status: 'COMPLETED',
        loads: { committed: 1, rows: GOOD_ROWS },
        rawFilesIn: ['processed'],
        rawFiles: 2,
        leaks: [],
      })
    }
  }, 120_000)

  test('to any point of a run whose data were bad ends in the same failure, with the files kept', async () => {
    const endings = await resetEverywhere(() => putBadBatch(pipeline))
    for (const ending of endings) {
      expect(ending).toMatchObject({
        status: 'FAILED',
        failure: 'TooManyRejects',
        loads: { committed: 0, rows: 0 },
        rawFilesIn: ['failed'],
        rawFiles: 2,
      })
    }
  }, 120_000)
})
