import type { RunStatus } from '../schemas/run.ts'

/** Airflow's states of a run that this pipeline can be in. */
export type DagRunState = 'running' | 'success' | 'failed'

/** A run's status as Airflow's state; Airflow has none for cancelled or terminated, they are failed. */
export function dagRunStateOf(status: RunStatus): DagRunState {
  if (status === 'running') return 'running'
  return status === 'succeeded' ? 'success' : 'failed'
}
