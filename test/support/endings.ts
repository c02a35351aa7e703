import { WorkflowFailedError } from '@temporalio/client'
import { ApplicationFailure } from '@temporalio/common'
import type { AverageSpeedResult } from '../../workflows/contract.ts'
import { loadsOf, placesOf, type TestBatch } from './batches.ts'
import type { Pipeline, Run } from './pipeline.ts'
import { until } from './until.ts'

/** How a run ended, and what it left behind, seen from outside by the official clients. */
export interface Ending {
  readonly status: string
  /** Type of the failure. */
  readonly failure?: string
  readonly result?: AverageSpeedResult
  readonly loads: { readonly committed: number; readonly rows: number }
  /** The folders that hold the raw files. */
  readonly rawFilesIn: readonly string[]
  readonly rawFiles: number
  /** Clusters that are still there, temporary files and claims. */
  readonly leaks: readonly string[]
  readonly clusters: number
  readonly jobs: number
}

/** Waits for the end of a run and looks at everything that it touched. */
export async function endingOf(pipeline: Pipeline, run: Run, batch: TestBatch): Promise<Ending> {
  const outcome = await run.result().then(
    (result) => ({ result }),
    (error: unknown) => ({ failure: typeOf(error) }),
  )
  const { status } = await pipeline.temporal.workflow.getHandle(run.workflowId).describe()
  const { clusters, jobs } = await pipeline.ledgerOf(run.workflowId)
  const places = await placesOf(pipeline, batch)
  return {
    ...outcome,
    status: status.name,
    loads: await loadsOf(pipeline, batch),
    rawFilesIn: [...new Set(Object.values(places.rawFiles))],
    rawFiles: Object.keys(places.rawFiles).length,
    leaks: [
      ...clusters.filter(({ deleted }) => deleted === undefined).map(({ name }) => name),
      ...places.others,
      ...places.claims,
    ],
    clusters: clusters.length,
    jobs: jobs.length,
  }
}

/** Waits until no cluster of a workflow is left. */
export async function untilNoCluster(pipeline: Pipeline, workflowId: string): Promise<void> {
  await until('the cluster is gone', async () => {
    const { clusters } = await pipeline.ledgerOf(workflowId)
    return clusters.every(({ deleted }) => deleted !== undefined)
  })
}

function typeOf(error: unknown): string {
  if (!(error instanceof WorkflowFailedError)) throw error
  const { cause } = error
  return cause instanceof ApplicationFailure ? String(cause.type) : String(cause?.name)
}
