import type { ClusterRecord } from './cluster-record.ts'
import type { Job } from './model.ts'

/** How a driver ended. */
export type JobOutcome =
  | { readonly succeeded: true }
  | {
      readonly succeeded: false
      /** What went wrong, in the words of the driver; empty when it said nothing. */
      readonly message: string
    }

/** A running driver. */
export interface JobRun {
  /** Resolves when the driver and all that it started are gone; never rejects. */
  readonly outcome: Promise<JobOutcome>
  /** Ends the driver; `outcome` follows. */
  kill(): void
}

/** What a runner is given. */
export interface JobContext {
  readonly job: Job
  readonly cluster: ClusterRecord
  /** Takes the driver's output as it comes. */
  readonly write: (chunk: Buffer | string) => void
}

/** Starts the driver of a job. */
export type JobRunner = (context: JobContext) => JobRun
