import { randomUUID } from 'node:crypto'
import { Client, Connection, type WorkflowHandle } from '@temporalio/client'
import type { GoogleClients } from '../../src/clients.ts'
import {
  type AverageSpeedInput,
  type AverageSpeedResult,
  PROGRESS_MEMO,
  type RunProgress,
  type StepName,
  WORKFLOW_TYPE,
  workflowIdOf,
} from '../../workflows/contract.ts'
import { googleClientsOf } from './clients.ts'
import { Control } from './control.ts'
import { startCloud, type TestCloud } from './local-cloud.ts'
import { until } from './until.ts'
import { startWorker, type WorkerProcess } from './worker-process.ts'

const SERVICES = ['storage', 'identity', 'temporal', 'dataproc', 'bigquery'] as const

/** Fast enough for hundreds of runs; Spark's place is taken by its stub. */
const FAST = { jobMode: 'stub', bootMs: 30, deleteMs: 30, jobStartMs: 10, jobMs: 20, cancelMs: 10 }

/** A cluster or job in the ledger of the local Dataproc; only what tests look at. */
export interface LedgerCluster {
  readonly name: string
  readonly uuid: string
  readonly metadata: Readonly<Record<string, string>>
  readonly state: string
  readonly running?: string
  readonly deleteRequested?: string
  readonly deleted?: string
  readonly seconds: number
}
export interface LedgerJob {
  readonly id: string
  readonly cluster: string
  readonly state: string
  readonly submitted: string
  readonly ended?: string
}

/** The whole pipeline on a local cloud, with workers that a test starts and stops. */
export interface Pipeline {
  readonly cloud: TestCloud
  readonly google: GoogleClients
  readonly temporal: Client
  readonly dataproc: Control
  readonly bigquery: Control
  readonly storage: Control
  /** The worker that it came up with. */
  readonly worker: WorkerProcess
  /** Ends all workers and starts a new one. */
  soleWorker(variables?: Readonly<Record<string, string>>): Promise<WorkerProcess>
  /** Starts another one; stopped at the end if the test has not done so. */
  addWorker(variables?: Readonly<Record<string, string>>): Promise<WorkerProcess>
  /** Changes how fast the local Dataproc and BigQuery are. */
  dataprocSettings(settings: object): Promise<void>
  bigquerySettings(settings: object): Promise<void>
  /** Back to fast, without faults. */
  calm(): Promise<void>
  start(input: AverageSpeedInput, runId?: string): Promise<Run>
  /** Clusters and jobs that were made for a workflow. */
  ledgerOf(workflowId: string): Promise<{ readonly clusters: LedgerCluster[]; readonly jobs: LedgerJob[] }>
  close(): Promise<void>
}

/** A run by its workflow id. */
export type Run = WorkflowHandle<(input: AverageSpeedInput) => Promise<AverageSpeedResult>>

/**
 * Brings it up.
 * @param options.gateway with a gateway before it
 * @param options.worker variables of its worker, instead of those that make a test fast
 * @param options.set variables of worker and gateway
 */
export async function startPipeline(
  options: {
    readonly gateway?: boolean
    readonly worker?: Readonly<Record<string, string>>
    readonly set?: Readonly<Record<string, string>>
  } = {},
): Promise<Pipeline> {
  const cloud = await startCloud({
    services: options.gateway ? [...SERVICES, 'gateway'] : SERVICES,
    ...(options.set && { set: options.set }),
  })
  const google = googleClientsOf(cloud)
  const connection = await Connection.connect({ address: cloud.get('TEMPORAL_ADDRESS') })
  const temporal = new Client({ connection })
  const workers: WorkerProcess[] = []
  const close = async (): Promise<void> => {
    await Promise.all(workers.map((worker) => worker.stop('SIGKILL')))
    await connection.close()
    await google.close()
    await cloud.close()
  }
  try {
    const addWorker: Pipeline['addWorker'] = async (variables) => {
      const worker = await startWorker(cloud, variables)
      workers.push(worker)
      return worker
    }
    const dataproc = new Control(cloud.get('DATAPROC_CONTROL_URL'))
    const bigquery = new Control(cloud.get('BIGQUERY_CONTROL_URL'))
    const storage = new Control(cloud.get('STORAGE_CONTROL_URL'))
    await dataproc.put('/settings', FAST)
    const worker = await addWorker(options.worker)
    return {
      worker,
      cloud,
      google,
      temporal,
      dataproc,
      bigquery,
      storage,
      async soleWorker(variables) {
        await Promise.all(workers.splice(0).map((worker) => worker.stop('SIGKILL')))
        return addWorker(variables)
      },
      addWorker,
      dataprocSettings: (settings) => dataproc.put('/settings', settings),
      bigquerySettings: (settings) => bigquery.put('/settings', settings),
      async calm() {
        await dataproc.put('/settings', FAST)
        await bigquery.put('/settings', { pendingMs: 0, loadMs: 0 })
        for (const control of [dataproc, bigquery, storage]) await control.clear()
        await dataproc.delete('/cluster-faults')
        await dataproc.delete('/job-faults')
        await bigquery.delete('/job-faults')
      },
      start: (input, runId = randomUUID()) =>
        temporal.workflow.start<(input: AverageSpeedInput) => Promise<AverageSpeedResult>>(WORKFLOW_TYPE, {
          workflowId: workflowIdOf(runId),
          taskQueue: 'average-speed',
          args: [input],
        }),
      async ledgerOf(workflowId) {
        const answer: unknown = await (await fetch(`${cloud.get('DATAPROC_CONTROL_URL')}/ledger`)).json()
        const ledger = answer as { readonly clusters: LedgerCluster[]; readonly jobs: LedgerJob[] }
        const clusters = ledger.clusters.filter(({ metadata }) =>
          Object.values(metadata).includes(workflowId),
        )
        const names = new Set(clusters.map(({ name }) => name))
        return { clusters, jobs: ledger.jobs.filter(({ cluster }) => names.has(cluster)) }
      },
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** The run's public state; nothing before it has said anything. */
export async function progressOf(run: Run): Promise<RunProgress | undefined> {
  const { memo } = await run.describe()
  return memo?.[PROGRESS_MEMO] as RunProgress | undefined
}

/** Waits until the run's memo says that a step is under way. */
export async function untilStep(run: Run, name: StepName): Promise<void> {
  await until(`${name} is running`, async () => {
    const progress = await progressOf(run)
    return progress?.steps.find((step) => step.name === name)?.state === 'running'
  })
}

/** Waits until a Spark job of the run is running. */
export async function untilJob(pipeline: Pipeline, run: Run): Promise<void> {
  await until('a job is running', async () => {
    const { jobs } = await pipeline.ledgerOf(run.workflowId)
    return jobs.some(({ state }) => state === 'RUNNING')
  })
}
