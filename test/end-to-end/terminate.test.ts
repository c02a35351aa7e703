import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { REAPER_SCHEDULE_ID } from '../../workflows/contract.ts'
import { GOOD_ROWS, putBatch } from '../support/batches.ts'
import { endingOf, untilNoCluster } from '../support/endings.ts'
import { type Pipeline, startPipeline, untilJob } from '../support/pipeline.ts'
import { until } from '../support/until.ts'

const HELD_MS = 20 * 60_000

let pipeline: Pipeline
beforeAll(async () => {
  pipeline = await startPipeline()
}, 120_000)
afterAll(() => pipeline?.close())
afterEach(() => pipeline.calm())

describe('a run that is terminated in the middle of its Spark job', () => {
  test('P2, P3: loses its cluster to the sweep and its claim to the next run of the batch, which succeeds', async () => {
    await pipeline.dataprocSettings({ jobMs: HELD_MS })
    const batch = await putBatch(pipeline)
    const run = await pipeline.start(batch.input)
    await untilJob(pipeline, run)
    await run.terminate('a test')
    await pipeline.temporal.schedule.getHandle(`${REAPER_SCHEDULE_ID}-default`).trigger()
    await untilNoCluster(pipeline, run.workflowId)
    await pipeline.calm()
    const next = await pipeline.start(batch.input)
    expect(await endingOf(pipeline, next, batch)).toMatchObject({
      status: 'COMPLETED',
      loads: { committed: 1, rows: GOOD_ROWS },
      rawFilesIn: ['processed'],
      rawFiles: 2,
      leaks: [],
    })
  })

  test('P2, P3: and started again under its own id takes the old cluster down before it does its own work', async () => {
    await pipeline.dataprocSettings({ jobMs: HELD_MS })
    const batch = await putBatch(pipeline)
    const run = await pipeline.start(batch.input, 'again')
    await untilJob(pipeline, run)
    await run.terminate('a test')
    await pipeline.calm()
    const next = await pipeline.start(batch.input, 'again')
    expect(await endingOf(pipeline, next, batch)).toMatchObject({
      status: 'COMPLETED',
      clusters: 2,
      leaks: [],
    })
  })
})

describe('a worker that is told to end in the middle of a Spark job', () => {
  test('P6: leaves the job running, and the next worker watches it to its end', async () => {
    await pipeline.dataprocSettings({ jobMs: HELD_MS })
    const first = await pipeline.soleWorker()
    const batch = await putBatch(pipeline)
    const run = await pipeline.start(batch.input)
    await untilJob(pipeline, run)
    await first.stop('SIGTERM')
    expect((await pipeline.ledgerOf(run.workflowId)).jobs.map(({ state }) => state)).toEqual(['RUNNING'])
    await pipeline.addWorker()
    await until('the next worker watches the job', async () => {
      const { raw } = await run.describe()
      return (raw.pendingActivities ?? []).some(
        ({ activityType, attempt }) => activityType?.name === 'runSparkJob' && Number(attempt) > 1,
      )
    })
    await pipeline.dataproc.post('/clock/advance', { ms: HELD_MS })
    expect(await endingOf(pipeline, run, batch)).toMatchObject({
      status: 'COMPLETED',
      loads: { committed: 1, rows: GOOD_ROWS },
      leaks: [],
      clusters: 1,
      jobs: 1,
    })
  })
})
