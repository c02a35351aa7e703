import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import pMap from 'p-map'
import { GOOD_ROWS, putBadBatch, putBatch, type TestBatch, trips } from '../support/batches.ts'
import { type Ending, endingOf } from '../support/endings.ts'
import { type Pipeline, type Run, startPipeline, untilJob } from '../support/pipeline.ts'
import { failureOf, type ResetPoint, resetPoints, resetRun } from '../support/resets.ts'
import { throughout, until } from '../support/until.ts'

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
      expect(ending.leaks.filter((name) => !/^(rejected-|failed-.*_FAILURE.json$)/.test(name))).toEqual([])
    }
  }, 120_000)

  test('to any point before the end of a run whose load failed ends in success, once the cause is mended', async () => {
    await pipeline.bigquery.post('/job-faults', { type: 'load', reason: 'invalid', times: 1_000 })
    const broken = await pMap(Array.from({ length: 14 }), () => finished(() => putBatch(pipeline)), {
      concurrency: CONCURRENT_RUNS,
    })
    await pipeline.bigquery.delete('/job-faults')
    await pMap(
      broken,
      async ({ batch, run }, i) => {
        const points = await resetPoints(run)
        const failedAt = await failureOf(run, 'loadTable')
        const { eventId = 0 } = points[Math.min(i, points.length - 1)] ?? {}
        const ending = await endingOf(pipeline, await resetRun(pipeline, run, eventId), batch)
        expect(ending).toMatchObject(
          eventId < failedAt
            ? { status: 'COMPLETED', loads: { committed: 1, rows: GOOD_ROWS }, rawFilesIn: ['processed'] }
            : { status: 'FAILED', failure: 'LoadFailed', loads: { committed: 0 }, rawFilesIn: ['raw'] },
        )
        expect(ending).toMatchObject({ rawFiles: 2, leaks: [] })
      },
      { concurrency: CONCURRENT_RUNS },
    )
  }, 120_000)

  test('of a run that waits for its Spark job leaves no second cluster, and no second job where that one still serves', async () => {
    // The clock of the local Dataproc is advanced when the job may end.
    const HELD_MS = 20 * 60_000
    for (let i = 0; ; i++) {
      await pipeline.dataprocSettings({ jobMs: HELD_MS })
      const batch = await putBatch(pipeline)
      const run = await pipeline.start(batch.input)
      await untilJob(pipeline, run)
      const points = await resetPoints(run)
      const point = points[i]
      if (point === undefined) {
        expect(i).toBeGreaterThanOrEqual(4)
        await run.terminate()
        break
      }
      const again = await resetRun(pipeline, run, point.eventId)
      // Once it has asked for its slot, a run keeps the names of its attempt, and finds what it had begun.
      const watches = i > points.findIndex(({ before }) => before.includes('requestClusterSlot'))
      if (!watches) {
        await until('the new cluster has its job, and the old one is gone', async () => {
          const { clusters, jobs } = await pipeline.ledgerOf(run.workflowId)
          return jobs.length === 2 && clusters.filter(({ deleted }) => deleted === undefined).length === 1
        })
      } else {
        await until('the new run watches the job', async () => {
          const { raw } = await again.describe()
          return (raw.pendingActivities ?? []).some(
            ({ activityType }) => activityType?.name === 'runSparkJob',
          )
        })
        // The old run's activity hears of the reset with the reply to a heartbeat, and must not cancel the job then.
        await throughout('the job is running', 11_000, async () => {
          const { jobs } = await pipeline.ledgerOf(run.workflowId)
          return jobs.every(({ state }) => state === 'RUNNING')
        })
      }
      await pipeline.dataproc.post('/clock/advance', { ms: HELD_MS })
      expect(await endingOf(pipeline, again, batch)).toMatchObject({
        status: 'COMPLETED',
        loads: { committed: 1, rows: GOOD_ROWS },
        rawFilesIn: ['processed'],
        rawFiles: 2,
        leaks: [],
        clusters: watches ? 1 : 2,
        jobs: watches ? 1 : 2,
      })
    }
    await pipeline.calm()
  }, 120_000)

  test('P2: to a point after its claim does not disturb a run that has the batch by now', async () => {
    const { batch, run } = await finished(() => putBatch(pipeline))
    const points = await resetPoints(run)
    await pipeline.dataprocSettings({ jobMs: 20 * 60_000 })
    const other = await pipeline.start({ ...batch.input, reload: 'again' })
    await untilJob(pipeline, other)
    const claimed = points.find(({ before }) => before.includes('requestClusterSlot'))
    const again = await resetRun(pipeline, run, claimed?.eventId ?? 0)
    expect(await endingOf(pipeline, again, batch)).toMatchObject({ failure: 'BatchInProgress' })
    await pipeline.dataproc.post('/clock/advance', { ms: 20 * 60_000 })
    expect(await endingOf(pipeline, other, batch)).toMatchObject({
      status: 'COMPLETED',
      loads: { committed: 2, rows: GOOD_ROWS },
      rawFilesIn: ['processed'],
      leaks: [],
    })
    await pipeline.calm()
  })
})

describe("P13: 'start like this one'", () => {
  test('after a success loads nothing again', async () => {
    const { batch } = await finished(() => putBatch(pipeline))
    const again = await pipeline.start(batch.input)
    expect(await endingOf(pipeline, again, batch)).toMatchObject({
      status: 'COMPLETED',
      result: { loadedBefore: true, rowsLoaded: GOOD_ROWS },
      loads: { committed: 1, rows: GOOD_ROWS },
      rawFilesIn: ['processed'],
      leaks: [],
      clusters: 0,
    })
  })

  test('row 1: after a reload, another reload and the plain run again end in success', async () => {
    const { batch } = await finished(() => putBatch(pipeline))
    let committed = 1
    for (const reload of ['one', 'two', undefined, 'one']) {
      const isNew = reload !== undefined && committed < 3
      if (isNew) committed++
      const again = await pipeline.start({ ...batch.input, ...(reload !== undefined && { reload }) })
      expect(await endingOf(pipeline, again, batch)).toMatchObject({
        status: 'COMPLETED',
        result: { loadedBefore: !isNew, rowsLoaded: GOOD_ROWS, filesArchived: 2 },
        loads: { committed, rows: GOOD_ROWS },
        rawFilesIn: ['processed'],
        rawFiles: 2,
        leaks: [],
        clusters: isNew ? 1 : 0,
      })
    }
  })

  test('row 2: after an empty batch pays for no cluster, nor does a reset of its run', async () => {
    const { batch, run } = await finished(() => putBatch(pipeline, { 'trips-0.json': '\n' }))
    const [first] = await resetPoints(run)
    const empty = { status: 'COMPLETED', result: { rowsLoaded: 0, loadedBefore: true, filesArchived: 1 } }
    const again = await pipeline.start(batch.input)
    expect(await endingOf(pipeline, again, batch)).toMatchObject({ ...empty, clusters: 0, leaks: [] })
    const reset = await resetRun(pipeline, run, first?.eventId ?? 0)
    expect(await endingOf(pipeline, reset, batch)).toMatchObject({ ...empty, clusters: 1, leaks: [] })
  })

  test('row 11: with another table after a success is refused, and pays for no cluster', async () => {
    const { batch } = await finished(() => putBatch(pipeline))
    const { outputTable } = batch.input
    const other = await pipeline.start({ ...batch.input, outputTable: `${outputTable}_2` })
    expect(await endingOf(pipeline, other, batch)).toMatchObject({
      failure: 'LoadedOtherwise',
      loads: { committed: 1, rows: GOOD_ROWS },
      rawFilesIn: ['processed'],
      leaks: [],
      clusters: 0,
    })
  })

  test('after a failure of the infrastructure ends in success', async () => {
    await pipeline.dataproc.post('/job-faults', { kind: 'error', times: 1 })
    const { batch, run } = await finished(() => putBatch(pipeline))
    expect(await endingOf(pipeline, run, batch)).toMatchObject({
      failure: 'SparkJobFailed',
      rawFilesIn: ['raw'],
      leaks: [],
    })
    const again = await pipeline.start(batch.input)
    expect(await endingOf(pipeline, again, batch)).toMatchObject({
      status: 'COMPLETED',
      loads: { committed: 1, rows: GOOD_ROWS },
      rawFilesIn: ['processed'],
      leaks: [],
    })
  })

  test('after bad data ends in success where more rejects are allowed, wherever the files are by now', async () => {
    // No limit takes a file of which nothing can be read.
    const files = { 'trips-0.json': trips([10, 20]), 'trips-1.json': `${trips([30])}no JSON\nnor this\n` }
    const { batch } = await finished(() => putBatch(pipeline, files))
    const again = await pipeline.start({ ...batch.input, maxRejectShare: 0.5 })
    expect(await endingOf(pipeline, again, batch)).toMatchObject({
      status: 'COMPLETED',
      result: { rowsRejected: 2, rowsLoaded: 3 },
      loads: { committed: 1, rows: 3 },
      rawFilesIn: ['processed'],
      rawFiles: 2,
    })
  })
})
