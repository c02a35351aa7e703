import { Problem } from '../problem.ts'
import type { RunSummary } from '../runs/run.ts'
import type { Runs } from '../runs/runs.ts'

/** Body of PATCH on a run in Airflow's stable APIs. */
export interface RunPatch {
  readonly state?: string | null
  readonly note?: string | null
}

/**
 * Sets a run's state as Airflow clients do; only `failed` can be had, and it means cancel.
 * @throws Problem 501 for anything else, 404 and 409 as a cancel does
 */
export async function patchRun(runs: Runs, runId: string, patch: RunPatch): Promise<RunSummary> {
  if (patch.state === 'failed' && (patch.note ?? null) === null) return runs.cancel(runId)
  throw new Problem(
    501,
    'Only the state "failed" can be set, which cancels the run. To do a run again, POST to /runs/<run id>/retry.',
  )
}
