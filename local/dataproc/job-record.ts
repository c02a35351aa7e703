import type { CancelTimer } from '../control/clock.ts'
import type { ClusterRecord } from './cluster-record.ts'
import type { DriverOutput } from './driver-output.ts'
import type { JobRun } from './job-runner.ts'
import { type Job, type JobState, type Location, TERMINAL_JOB_STATES } from './model.ts'
import { timestamp } from './times.ts'

/** A job, alive or remembered for the ledger. */
export interface JobRecord extends Location {
  readonly id: string
  /** The API resource; its status changes in place through {@link enterJobState}. */
  readonly resource: Job
  readonly cluster: ClusterRecord
  readonly output: DriverOutput
  /** Counts up with every submission. */
  readonly sequence: number
  readonly submittedAt: number
  endedAt?: number
  /** Attempts that failed, with their times, for restartable jobs. */
  readonly failures: number[]
  timer?: CancelTimer
  run?: JobRun
  /** Tells listeners, such as the operation of a submission, that the job is over. */
  readonly onEnd: (() => void)[]
}

/** `projects/P/regions/R/jobs/ID`, as in error messages. */
export function jobPath({ project, region, id }: Location & { readonly id: string }): string {
  return `projects/${project}/regions/${region}/jobs/${id}`
}

/** The current state. */
export function jobState(job: JobRecord): JobState {
  return (job.resource.status?.state ?? 'STATE_UNSPECIFIED') as JobState
}

/** Whether the job is over. */
export function isOver(job: JobRecord): boolean {
  return TERMINAL_JOB_STATES.has(jobState(job))
}

/** Moves a job to a state and puts the former one into `status_history`. */
export function enterJobState(job: JobRecord, state: JobState, at: number, details = ''): void {
  const { resource } = job
  if (resource.status) resource.statusHistory = [...(resource.statusHistory ?? []), resource.status]
  resource.status = { state, stateStartTime: timestamp(at), ...(details && { details }) }
  resource.done = TERMINAL_JOB_STATES.has(state)
}

/** Whether a cancellation is accepted: a job that is being set up cannot be cancelled (googleapis/google-cloud-java 3754). */
export function isCancellable(job: JobRecord): boolean {
  return jobState(job) === 'PENDING' || jobState(job) === 'RUNNING'
}
