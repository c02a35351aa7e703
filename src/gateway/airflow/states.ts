import type { RunStatus } from '../schemas/run.ts'

/** Airflow's states of a run that this pipeline can be in. */
export type DagRunState = 'queued' | 'running' | 'success' | 'failed'

/** A run's status as Airflow's state; Airflow has none for cancelled or terminated, they are failed. */
export function dagRunStateOf(status: RunStatus): DagRunState {
  if (status === 'queued' || status === 'running') return status
  return status === 'succeeded' ? 'success' : 'failed'
}
