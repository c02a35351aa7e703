import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { TRIGGER_EMAIL } from '../../local/identity/identity.ts'
import { workflowIdOf } from '../../workflows/contract.ts'
import { GOOD_ROWS, putBatch, type TestBatch } from '../support/batches.ts'
import { endingOf } from '../support/endings.ts'
import { type Pipeline, type Run, startPipeline, untilJob, untilStep } from '../support/pipeline.ts'
import { averageSpeed } from '../support/trigger.ts'
import { until } from '../support/until.ts'

// Longer than any test; the clock of the local Dataproc is not advanced here.
const HELD_MS = 600_000

// Once the SDK holds heartbeats back, a cancel takes 48 seconds to arrive, and a cluster is paid for meanwhile.
const PROMPT_MS = 30_000

let pipeline: Pipeline
let runs = 0
beforeAll(async () => {
  // Runs are started by hand here, and are the operators' to cancel.
  pipeline = await startPipeline({ gateway: true, set: { OPERATORS: TRIGGER_EMAIL } })
}, 120_000)
afterAll(() => pipeline?.close())
afterEach(() => pipeline.calm())

/** The three ways in which people cancel. Each returns once the request is accepted. */
const ways: Readonly<Record<string, (runId: string) => Promise<void>>> = {
  async 'the gateway'(runId) {
    const { code, stderr } = await averageSpeed(pipeline.cloud, 'cancel', runId)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  },
  async 'the Web UI'(runId) {
    await pipeline.temporal.workflowService.requestCancelWorkflowExecution({
      namespace: pipeline.temporal.options.namespace,
      workflowExecution: { workflowId: workflowIdOf(runId) },
      reason: 'a test',
    })
  },
}

/** How to hold a run in each step before the load, and how to tell that it is there. */
const before: Readonly<Record<string, { hold(): Promise<void>; reached(run: Run): Promise<void> }>> = {
  claimBatch: {
    hold: () => slowStorage('claim.json'),
    // A local activity: the run says nothing of it before it has ended.
    reached: () => until('storage is slow', () => hasLanded('claim.json')),
  },
  describeRawFiles: {
    hold: () => slowStorage('manifest.ndjson'),
    reached: (run) => untilStep(run, 'describeRawFiles'),
  },
  createCluster: {
    hold: () => pipeline.dataprocSettings({ bootMs: HELD_MS }),
    reached: untilCluster,
  },
  runSparkJob: {
    hold: () => pipeline.dataprocSettings({ jobMs: HELD_MS }),
    reached: (run) => untilJob(pipeline, run),
  },
}

async function slowStorage(match: string): Promise<void> {
  await pipeline.storage.addFault({ on: '*', match, kind: 'latency', latencyMs: 2_000, times: 1 })
}

async function hasLanded(match: string): Promise<boolean> {
  const faults = await pipeline.storage.get<readonly { match?: string; hits: number }[]>('/faults')
  return faults.some((fault) => fault.match === match && fault.hits > 0)
}

async function untilCluster(run: Run): Promise<void> {
  await until('a cluster is asked for', async () => {
    return (await pipeline.ledgerOf(run.workflowId)).clusters.length > 0
  })
}

async function startHeld(): Promise<{ batch: TestBatch; run: Run; runId: string }> {
  const batch = await putBatch(pipeline)
  const runId = `cancel-${++runs}`
  return { batch, run: await pipeline.start(batch.input, runId), runId }
}

describe.each(Object.keys(ways))('a cancel by %s', (way) => {
  test.each(Object.keys(before))(
    'in the step %s takes everything down and leaves the raw files where they were',
    async (step) => {
      await before[step]?.hold()
      const { batch, run, runId } = await startHeld()
      await before[step]?.reached(run)
      await ways[way]?.(runId)
      expect(await endingOf(pipeline, run, batch)).toMatchObject({
        status: 'CANCELLED',
        loads: { committed: 0, rows: 0 },
        rawFilesIn: ['raw'],
        rawFiles: 2,
        leaks: [],
      })
      const { jobs } = await pipeline.ledgerOf(run.workflowId)
      expect(jobs.map(({ state }) => state)).toEqual(step === 'runSparkJob' ? ['CANCELLED'] : [])
    },
    PROMPT_MS,
  )

  test.each(['loadTable', 'archiveRawFiles'] as const)(
    'P10: in the step %s is too late, and the result says so',
    async (step) => {
      // Long enough for a cancel to arrive in the activity, if it were let through.
      if (step === 'loadTable') await pipeline.bigquerySettings({ loadMs: 8_000 })
      else await slowStorage('processed_date')
      const { batch, run, runId } = await startHeld()
      await untilStep(run, step)
      await ways[way]?.(runId)
      expect(await endingOf(pipeline, run, batch)).toMatchObject({
        status: 'COMPLETED',
        result: { cancelledTooLate: true, rowsLoaded: GOOD_ROWS, filesArchived: 2 },
        loads: { committed: 1, rows: GOOD_ROWS },
        rawFilesIn: ['processed'],
        leaks: [],
      })
    },
  )
})

test('a cancel while another run has the table ends the wait, and loads nothing', async () => {
  await pipeline.bigquerySettings({ loadMs: 4_000 })
  const first = await startHeld()
  await untilStep(first.run, 'loadTable')
  const second = await putBatch(pipeline)
  const batch = { ...second, input: { ...second.input, outputTable: first.batch.input.outputTable } }
  const run = await pipeline.start(batch.input)
  await until('the table is waited for', async () => {
    const { raw } = await run.describe()
    return (raw.pendingActivities ?? []).some(({ activityType }) => activityType?.name === 'claimTable')
  })
  await run.cancel()
  const ending = await endingOf(pipeline, run, batch)
  expect(ending).toMatchObject({ status: 'CANCELLED', rawFilesIn: ['raw'], leaks: [] })
  expect((await first.run.result()).rowsLoaded).toBe(GOOD_ROWS)
  expect((await pipeline.ledgerOf(run.workflowId)).jobs).toHaveLength(1)
})
