import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DefaultLogger } from '@temporalio/worker'
import { buildWorkflowBundle } from '../../src/worker/workflow-bundle.ts'
import type { TestBatch } from '../../test/support/batches.ts'
import { loadsOf, placesOf } from '../../test/support/batches.ts'
import type { Pipeline, Run } from '../../test/support/pipeline.ts'
import { FOLDER } from './report.ts'
import { WORKER_HEAP } from './worker-heap.ts'

/**
 * The settings of a worker in production, where tests have faster ones; nothing means the default. As in the image, its
 * workflows are bundled before it starts.
 */
export async function productionWorker(): Promise<Readonly<Record<string, string>>> {
  mkdirSync(FOLDER, { recursive: true })
  const bundle = join(FOLDER, 'workflow-bundle.js')
  await buildWorkflowBundle(bundle, new DefaultLogger('ERROR'))
  return {
    POLL_MINIMUM_MS: '',
    POLL_MAXIMUM_MS: '',
    CREATION_SETTLE_MS: '',
    MAX_CLUSTERS: '1000',
    WORKFLOW_BUNDLE: bundle,
    NODE_OPTIONS: WORKER_HEAP.join(' '),
  }
}

/** A run that was started, and when. */
export interface StartedRun {
  readonly run: Run
  readonly batch: TestBatch
  readonly started: number
}

/** Waits for a run's end. @returns its milliseconds from the start on @throws Error when it has failed */
export async function durationOf({ run, started }: StartedRun): Promise<number> {
  await run.result()
  return performance.now() - started
}

/** @throws Error unless the batch is loaded once and archived, and nothing else is left */
export async function checkDone(pipeline: Pipeline, batch: TestBatch, rows: number): Promise<void> {
  const loads = await loadsOf(pipeline, batch)
  const places = await placesOf(pipeline, batch)
  const archived = Object.values(places.rawFiles).every((place) => place === 'processed')
  if (loads.rows !== rows || !archived || places.others.length + places.claims.length > 0)
    throw new Error(`The batch is not where it should be: ${JSON.stringify({ loads, places })}`)
}

/** One line of the ledger of the local Dataproc, with its times. */
interface LedgerTimes {
  readonly clusters: readonly {
    readonly name: string
    readonly created: string
    readonly running?: string
    readonly deleteRequested?: string
  }[]
  readonly jobs: readonly { readonly cluster: string; readonly submitted: string; readonly ended?: string }[]
}

/** Milliseconds in which a paid cluster had nothing to do. */
export interface Waits {
  /** From RUNNING to the job's arrival. */
  readonly toSubmit: readonly number[]
  /** From the job's end to the request to delete. */
  readonly toDelete: readonly number[]
}

/** Reads off the ledger how long each cluster waited. */
export async function waitsOf({ dataproc }: Pipeline): Promise<Waits> {
  const { clusters, jobs } = await dataproc.get<LedgerTimes>('/ledger')
  const toSubmit: number[] = []
  const toDelete: number[] = []
  for (const { name, running, deleteRequested } of clusters) {
    const job = jobs.find(({ cluster }) => cluster === name)
    if (!running || !deleteRequested || !job?.ended) continue
    toSubmit.push(Date.parse(job.submitted) - Date.parse(running))
    toDelete.push(Date.parse(deleteRequested) - Date.parse(job.ended))
  }
  return { toSubmit, toDelete }
}

/**
 * Calls that only look at a cluster, an operation or a job, a minute and run.
 * @param durations of all runs since the calls were last cleared, in milliseconds
 */
export async function readsPerMinute({ dataproc }: Pipeline, durations: readonly number[]): Promise<number> {
  const { GetJob = 0, GetCluster = 0, GetOperation = 0 } = await dataproc.calls()
  const minutes = durations.reduce((sum, ms) => sum + ms, 0) / 60_000
  return (GetJob + GetCluster + GetOperation) / minutes
}
