import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { GOOD_ROWS, putBatch, type TestBatch } from '../support/batches.ts'
import { type Ending, endingOf, untilNoCluster } from '../support/endings.ts'
import { type HeldCall, holdCall } from '../support/holds.ts'
import { contents } from '../support/objects.ts'
import { type Pipeline, type Run, startPipeline, untilJob } from '../support/pipeline.ts'
import { sweep } from '../support/sweeps.ts'

/** A call in the middle of a step, and how it goes on once the run is terminated; by default it takes its effect. */
interface Middle {
  readonly service: 'storage' | 'dataproc' | 'bigquery'
  call(batch: TestBatch): HeldCall
  readonly release?: 'drop'
}

const below = (batch: TestBatch, rest: string): string => `${batch.parent}${rest}`
const BATCH = 'raw-2019-03-01T000000/'
const OUTPUT = 'transformed-2019-03-01T000000/'

/** The middle of every step, one after the other as a run meets them. */
const MIDDLES: Readonly<Record<string, Middle>> = {
  claimBatch: {
    service: 'storage',
    call: (batch) => ({ on: 'objects.insert', match: below(batch, `${BATCH}claim.json`), when: 'after' }),
  },
  describeRawFiles: {
    service: 'storage',
    call: (batch) => ({ on: 'objects.insert', match: below(batch, `${BATCH}manifest`), when: 'after' }),
  },
  findLoad: { service: 'bigquery', call: () => ({ on: 'jobs.get' }) },
  'createCluster, not yet asked for': { service: 'dataproc', call: () => ({ on: 'CreateCluster' }) },
  'createCluster, asked for': { service: 'dataproc', call: () => ({ on: 'CreateCluster', when: 'after' }) },
  'runSparkJob, not yet asked for': {
    service: 'dataproc',
    call: () => ({ on: 'SubmitJob' }),
    release: 'drop',
  },
  deleteClusterIfPresent: { service: 'dataproc', call: () => ({ on: 'DeleteCluster' }), release: 'drop' },
  verifyOutput: {
    service: 'storage',
    call: (batch) => ({ on: 'objects.getMedia', match: below(batch, OUTPUT) }),
  },
  claimTable: {
    service: 'storage',
    call: ({ input }) => ({ on: 'objects.insert', match: `${input.outputTable}/claim.json`, when: 'after' }),
  },
  'loadTable, not yet asked for': {
    service: 'bigquery',
    call: () => ({ on: 'jobs.insert' }),
    release: 'drop',
  },
  'loadTable, asked for': { service: 'bigquery', call: () => ({ on: 'jobs.insert', when: 'after' }) },
  archiveRawFiles: {
    service: 'storage',
    call: (batch) => ({ on: 'objects.rewrite', match: below(batch, 'raw-'), when: 'after' }),
  },
  writeReceipt: {
    service: 'storage',
    call: (batch) => ({ on: 'objects.insert', match: below(batch, 'processed_date='), when: 'after' }),
  },
  releaseTable: {
    service: 'storage',
    call: ({ input }) => ({ on: 'objects.delete', match: `${input.outputTable}/claim.json` }),
    release: 'drop',
  },
  deleteTemporaryFiles: {
    service: 'storage',
    call: (batch) => ({ on: 'objects.delete', match: below(batch, OUTPUT), when: 'after' }),
    release: 'drop',
  },
  releaseBatch: {
    service: 'storage',
    call: (batch) => ({ on: 'objects.delete', match: below(batch, `${BATCH}claim.json`) }),
    release: 'drop',
  },
}

const RUNNING = 'runSparkJob, running'
const HELD_MS = 20 * 60_000

let pipeline: Pipeline
let ended: Readonly<Record<string, { readonly first: Run; readonly next: Run; readonly ending: Ending }>>

beforeAll(async () => {
  pipeline = await startPipeline()
  const terminated: [step: string, batch: TestBatch, run: Run][] = []
  for (const [step, middle] of Object.entries(MIDDLES)) {
    const batch = await putBatch(pipeline)
    terminated.push([step, batch, await terminateInTheMiddle(middle, batch)])
  }
  const batch = await putBatch(pipeline)
  terminated.push([RUNNING, batch, await terminateInTheJob(batch)])
  await pipeline.calm()
  await sweep(pipeline)
  await Promise.all(terminated.map(([, , run]) => untilNoCluster(pipeline, run.workflowId)))
  // What a cluster has written that was being deleted during the first sweep goes with the second.
  await sweep(pipeline)
  ended = Object.fromEntries(
    await Promise.all(
      terminated.map(async ([step, batch, first]) => {
        const next = await pipeline.start(batch.input)
        return [step, { first, next, ending: await endingOf(pipeline, next, batch) }] as const
      }),
    ),
  )
}, 120_000)
afterAll(() => pipeline?.close())

async function terminateInTheMiddle({ service, call, release }: Middle, batch: TestBatch): Promise<Run> {
  const hold = await holdCall(pipeline[service], call(batch))
  const run = await pipeline.start(batch.input)
  await hold.reached()
  await run.terminate('a test')
  await hold.release(release ?? 'go')
  return run
}

async function terminateInTheJob(batch: TestBatch): Promise<Run> {
  await pipeline.dataprocSettings({ jobMs: HELD_MS })
  const run = await pipeline.start(batch.input)
  await untilJob(pipeline, run)
  await run.terminate('a test')
  return run
}

describe('a run that is terminated', () => {
  test.each([...Object.keys(MIDDLES), RUNNING])(
    'P2, P3, P7, P8: in the middle of %s leaves no cluster after the next sweep, and the next run of its batch does all the rest',
    async (step) => {
      const { first, ending } = ended[step] ?? {}
      expect(ending).toMatchObject({
        status: 'COMPLETED',
        loads: { committed: 1, rows: GOOD_ROWS },
        rawFilesIn: ['processed'],
        rawFiles: 2,
        leaks: [],
      })
      expect((await first?.describe())?.status.name).toBe('TERMINATED')
      const { clusters, jobs } = await pipeline.ledgerOf(first?.workflowId ?? '')
      expect(clusters.map(({ state }) => state)).toEqual(clusters.map(() => 'GONE'))
      expect(jobs.map(({ state }) => state)).not.toContain('RUNNING')
    },
  )

  test('P2: in any step leaves no claim on a table that counts', async () => {
    const { cloud, google, temporal } = pipeline
    const tables = `gs://${cloud.get('STATE_BUCKET')}/tables/`
    const claims = Object.entries(await contents(google.storage, tables)).filter(([name]) =>
      name.endsWith('claim.json'),
    )
    for (const [, claim] of claims) {
      const { workflowId } = JSON.parse(claim) as { workflowId: string }
      expect((await temporal.workflow.getHandle(workflowId).describe()).status.name).toBe('TERMINATED')
    }
  })

  test('P3: in any step leaves no note of an output', async () => {
    const { cloud, google } = pipeline
    const notes = `gs://${cloud.get('STATE_BUCKET')}/deployments/default/outputs/`
    expect(await contents(google.storage, notes)).toEqual({})
  })
})
