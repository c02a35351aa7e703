import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { temporal } from '@temporalio/proto'
import { GOOD_ROWS, putBadBatch, putBatch, type TestBatch } from '../support/batches.ts'
import { endingOf } from '../support/endings.ts'
import { type HeldCall, type Hold, holdCall } from '../support/holds.ts'
import { type Pipeline, type Run, startPipeline, untilJob } from '../support/pipeline.ts'
import { sweep } from '../support/sweeps.ts'
import { until } from '../support/until.ts'
import type { WorkerProcess } from '../support/worker-process.ts'

const HELD_MS = 20 * 60_000

// Half of the time after which a heartbeat that does not come tells that the worker is gone.
const PROMPT_MS = 15_000

/** A run that one worker holds in the middle of an activity. */
interface Held {
  readonly batch: TestBatch
  readonly run: Run
  /** The call to Google that it is in; absent: it waits for something that takes long. */
  readonly hold?: Hold
}

let pipeline: Pipeline
let worker: WorkerProcess
let other: WorkerProcess
let sweeping: { readonly hold: Hold; readonly done: Promise<unknown> }
const held: Record<string, Held> = {}

/** Activities that a call keeps: they finish it, and with it their work. */
const CALLS: Readonly<Record<string, (batch: TestBatch) => HeldCall>> = {
  claimBatch: ({ parent }) => ({ on: 'objects.insert', match: `${parent}${BATCH}claim`, when: 'after' }),
  describeRawFiles: ({ parent }) => ({ on: 'objects.insert', match: `${parent}${BATCH}man`, when: 'after' }),
  verifyOutput: ({ parent }) => ({ on: 'objects.getMedia', match: `${parent}transformed-` }),
  archiveRawFiles: ({ parent }) => ({ on: 'objects.rewrite', match: `${parent}raw-`, when: 'after' }),
  moveRawFilesToFailed: ({ parent }) => ({ on: 'objects.rewrite', match: `${parent}failed-` }),
  writeReceipt: ({ parent }) => ({ on: 'objects.insert', match: `${parent}processed_date=` }),
  deleteTemporaryFiles: ({ parent }) => ({ on: 'objects.delete', match: `${parent}transformed-` }),
  releaseTable: ({ input }) => ({ on: 'objects.delete', match: `${input.outputTable}/claim.json` }),
  releaseBatch: ({ parent }) => ({ on: 'objects.delete', match: `${parent}${BATCH}claim.json` }),
}
const BATCH = 'raw-2019-03-01T000000/'

/** Activities that wait for something that takes long: they let go. */
const WAITS = ['createCluster', 'runSparkJob', 'deleteClusterIfPresent', 'loadTable', 'claimTable'] as const

beforeAll(async () => {
  pipeline = await startPipeline()
  worker = await pipeline.soleWorker()
  const { dataproc, bigquery, storage } = pipeline
  held['findLoad'] = await startHeld(() => holdCall(bigquery, { on: 'jobs.get' }))
  await dataproc.post('/cluster-faults', { kind: 'boot-failure' })
  held['diagnoseCluster'] = await startHeld(() => holdCall(dataproc, { on: 'DiagnoseCluster' }))
  held['createCluster'] = await startSlow({ bootMs: HELD_MS }, (run) => untilCluster(run, 'CREATING'))
  held['runSparkJob'] = await startSlow({ jobMs: HELD_MS }, (run) => untilJob(pipeline, run))
  held['deleteClusterIfPresent'] = await startSlow({ deleteMs: HELD_MS }, (run) =>
    untilCluster(run, 'DELETING'),
  )
  await Promise.all(
    Object.entries(CALLS).map(async ([activity, call]) => {
      const put = activity === 'moveRawFilesToFailed' ? putBadBatch : putBatch
      held[activity] = await startHeld((batch) => holdCall(storage, call(batch)), await put(pipeline))
    }),
  )
  held['loadTable'] = await startInALongLoad()
  held['claimTable'] = await startInTheQueue(held['loadTable'].batch)
  const hold = await holdCall(dataproc, { on: 'ListClusters' })
  sweeping = { hold, done: sweep(pipeline) }
  await hold.reached()
}, 180_000)
afterAll(() => pipeline?.close())

async function startHeld(hold: (batch: TestBatch) => Promise<Hold>, given?: TestBatch): Promise<Held> {
  const batch = given ?? (await putBatch(pipeline))
  const holding = await hold(batch)
  const run = await pipeline.start(batch.input)
  await holding.reached()
  return { batch, run, hold: holding }
}

async function startSlow(settings: object, reached: (run: Run) => Promise<void>): Promise<Held> {
  await pipeline.dataprocSettings(settings)
  const batch = await putBatch(pipeline)
  const run = await pipeline.start(batch.input)
  await reached(run)
  await pipeline.dataprocSettings({ bootMs: 30, jobMs: 20, deleteMs: 30 })
  return { batch, run }
}

async function startInALongLoad(): Promise<Held> {
  await pipeline.bigquerySettings({ loadMs: HELD_MS })
  const batch = await putBatch(pipeline)
  const run = await pipeline.start(batch.input)
  await until('BigQuery loads', async () => (await runningLoads()) === 1)
  return { batch, run }
}

async function runningLoads(): Promise<number> {
  const [jobs] = await pipeline.google.bigquery.getJobs({ projection: 'full' })
  return jobs.filter(({ metadata }) => metadata.status?.state === 'RUNNING').length
}

/** Starts a run that waits until another one has done with its table. */
async function startInTheQueue({ input }: TestBatch): Promise<Held> {
  const own = await putBatch(pipeline)
  const batch = { ...own, input: { ...own.input, outputTable: input.outputTable } }
  const run = await pipeline.start(batch.input)
  await until('the table is waited for', async () => (await pending(run, 'claimTable')) !== undefined)
  return { batch, run }
}

function untilCluster(run: Run, state: string): Promise<void> {
  return until(`a cluster is ${state}`, async () => {
    const { clusters } = await pipeline.ledgerOf(run.workflowId)
    return clusters.some((cluster) => cluster.state === state)
  })
}

async function pending(
  run: Run,
  activity: string,
): Promise<temporal.api.workflow.v1.IPendingActivityInfo | undefined> {
  const { raw } = await run.describe()
  return raw.pendingActivities?.find(({ activityType }) => activityType?.name === activity)
}

function heldAt(activity: string): Held {
  const found = held[activity]
  if (found === undefined) throw new Error(`No run is held in ${activity}.`)
  return found
}

/** Waits until another worker is at it again. @returns the failure that ended the try before */
async function untilTakenUp(activity: string, tries: number, withinMs: number): Promise<string> {
  const { run } = heldAt(activity)
  let failure = ''
  await until(
    `${activity} is taken up`,
    async () => {
      const found = await pending(run, activity)
      const { applicationFailureInfo, timeoutFailureInfo } = found?.lastFailure ?? {}
      failure = timeoutFailureInfo ? 'timeout' : (applicationFailureInfo?.type ?? '')
      return Number(found?.attempt ?? 0) > tries && found?.lastHeartbeatTime != null
    },
    withinMs,
  )
  return failure
}

async function states(activity: string): Promise<string[]> {
  const { clusters, jobs } = await pipeline.ledgerOf(heldAt(activity).run.workflowId)
  return [...clusters, ...jobs].map(({ state }) => state)
}

describe('a worker that is told to end in the middle of every activity', () => {
  test('ends well and in time, once the calls that it is in have returned', async () => {
    other = await pipeline.addWorker()
    const exited = worker.stop('SIGTERM')
    await until('it has stopped', async () => (await worker.log()).includes('"DRAINING"'))
    await Promise.all(
      [...Object.keys(CALLS), 'findLoad', 'diagnoseCluster'].map((activity) =>
        heldAt(activity).hold?.release('go'),
      ),
    )
    await sweeping.hold.release('go')
    expect(await exited).toBe(0)
    const lines = (await worker.log()).trim().split('\n')
    expect(lines.filter((line) => (JSON.parse(line) as { level: number }).level >= 50)).toEqual([])
  })

  test.each(WAITS)('P6: lets go of %s, which another worker takes up at once', async (activity) => {
    expect(await untilTakenUp(activity, 1, PROMPT_MS)).toBe('WorkerShutdown')
  })

  test('P6: leaves in the cloud what it was waiting for', async () => {
    expect(await states('createCluster')).toEqual(['CREATING'])
    expect(await states('runSparkJob')).toEqual(['RUNNING', 'RUNNING'])
    expect(await runningLoads()).toBeGreaterThan(0)
  })

  test('has its sweep done by another', async () => {
    await sweeping.done
  })
})

describe('a worker that is killed in the middle of what takes long', () => {
  // The delete's third try, which follows, is shown as a teardown that is pending, and counts anew.
  const counted = WAITS.filter((activity) => activity !== 'deleteClusterIfPresent')

  beforeAll(async () => {
    await other.stop('SIGKILL')
    await pipeline.addWorker()
  })

  test.each(counted)(
    'P6: is missed, and another worker takes up %s',
    async (activity) => {
      expect(await untilTakenUp(activity, 2, 90_000)).toBe('timeout')
    },
    100_000,
  )
})

describe('the run ends as if its worker had never gone', () => {
  beforeAll(async () => {
    await pipeline.dataproc.post('/clock/advance', { ms: HELD_MS })
    await pipeline.bigquerySettings({ loadMs: 0 })
  })

  test.each([
    'claimBatch',
    'describeRawFiles',
    'findLoad',
    'createCluster',
    'runSparkJob',
    'deleteClusterIfPresent',
    'verifyOutput',
    'loadTable',
    'claimTable',
    'archiveRawFiles',
    'writeReceipt',
    'deleteTemporaryFiles',
    'releaseTable',
    'releaseBatch',
  ])('P3, P6, P7: in the middle of %s', async (activity) => {
    const { run, batch } = heldAt(activity)
    const shared = activity === 'loadTable' || activity === 'claimTable'
    expect(await endingOf(pipeline, run, batch)).toMatchObject({
      status: 'COMPLETED',
      result: { rowsLoaded: GOOD_ROWS, notCleaned: [] },
      loads: { committed: shared ? 2 : 1, rows: GOOD_ROWS },
      rawFilesIn: ['processed'],
      rawFiles: 2,
      leaks: [],
      clusters: 1,
      jobs: 1,
    })
  })

  test('in the middle of diagnoseCluster', async () => {
    const { run, batch } = heldAt('diagnoseCluster')
    const ending = await endingOf(pipeline, run, batch)
    expect(ending).toMatchObject({
      status: 'COMPLETED',
      loads: { committed: 1 },
      leaks: [],
      clusters: 2,
      jobs: 1,
    })
  })

  test('P12: in the middle of moveRawFilesToFailed', async () => {
    const { run, batch } = heldAt('moveRawFilesToFailed')
    expect(await endingOf(pipeline, run, batch)).toMatchObject({
      failure: 'TooManyRejects',
      rawFilesIn: ['failed'],
      rawFiles: 2,
      clusters: 1,
      jobs: 1,
    })
  })
})
