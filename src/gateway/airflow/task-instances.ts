import { STEPS, type StepStatus } from '../../../workflows/contract.ts'
import type { Run } from '../runs/run.ts'

/** Airflow's states of a task that a step can be in. */
export type TaskState = 'scheduled' | 'running' | 'success' | 'failed' | 'skipped' | 'up_for_retry'

/** A step of a run in the terms that all Airflow generations share. */
export interface TaskFacts {
  readonly task_id: string
  /** Null while nothing has happened yet. */
  readonly state: TaskState | null
  readonly start_date: string | null
  readonly end_date: string | null
  /** Seconds; null until the end. */
  readonly duration: number | null
  readonly try_number: number
  readonly note: string | null
}

const STATES: Readonly<Record<StepStatus['state'], TaskState | null>> = {
  pending: null,
  running: 'running',
  done: 'success',
  failed: 'failed',
  cancelled: 'failed',
  skipped: 'skipped',
}

/** The steps of a run as tasks. A step's tries are those of its activity, or of cluster and job as a whole. */
export function tasksOf(run: Run): readonly TaskFacts[] {
  const steps = run.progress?.steps ?? STEPS.map((name): StepStatus => ({ name, state: 'pending' }))
  return steps.map((step) => taskOf(step, run))
}

function taskOf(step: StepStatus, run: Run): TaskFacts {
  const { name, state, startedAt, endedAt, detail } = step
  const activity = run.activities.find((pending) => pending.name.startsWith(name))
  const tries = activity?.attempt ?? run.progress?.attempt ?? 1
  const waits = state === 'running' && activity?.state === 'scheduled' && activity.attempt > 1
  return {
    task_id: name,
    state: waits ? 'up_for_retry' : STATES[state],
    start_date: startedAt ?? null,
    end_date: endedAt ?? null,
    duration:
      startedAt === undefined || endedAt === undefined
        ? null
        : (Date.parse(endedAt) - Date.parse(startedAt)) / 1000,
    try_number: state === 'pending' ? 0 : tries,
    note: detail ?? null,
  }
}
