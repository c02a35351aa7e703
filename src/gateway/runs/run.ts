import type {
  AverageSpeedInput,
  AverageSpeedResult,
  ClusterReceipt,
  RunProgress,
  StepName,
} from '../../../workflows/contract.ts'
import type { RunStatus } from '../schemas/run.ts'

/** A run, as much of it as a start or a list tells. */
export interface RunSummary {
  readonly runId: string
  readonly workflowId: string
  /** Temporal's id of this execution; a retry or reset of the run has another. */
  readonly executionId: string
  readonly status: RunStatus
  readonly startedAt: Date
  readonly endedAt?: Date
  /** Who first asked for it; absent when it was started by hand or by a schedule. */
  readonly startedBy?: string
  /** Who asked for this execution, if it is a retry. */
  readonly retriedBy?: string
  readonly rawPath?: string
  readonly step?: string
  /** As the starter noted it; absent when the run was started by hand. */
  readonly input?: AverageSpeedInput
  /** What an Airflow client remarked on it. */
  readonly note?: string
  /** The date that an Airflow client gave the run; otherwise its start. */
  readonly logicalDate: Date
}

/** An activity that Temporal is still trying. */
export interface PendingActivity {
  readonly name: string
  readonly attempt: number
  readonly state: 'scheduled' | 'started' | 'cancel_requested' | 'paused'
  readonly lastFailure?: string
}

/** Why a run did not succeed. */
export interface RunFailure {
  readonly type: string
  readonly message: string
  readonly kind?: 'request' | 'data' | 'infrastructure'
  readonly step?: StepName
  readonly rawFilesAt?: string
  readonly clusters?: readonly ClusterReceipt[]
  readonly notCleaned?: readonly string[]
}

/** A run in full. */
export interface Run extends RunSummary {
  /** Who asked through the gateway to cancel it. */
  readonly cancelledBy?: string
  readonly progress?: RunProgress
  readonly activities: readonly PendingActivity[]
  /** In part, for a run of an earlier release may lack what was added since. */
  readonly result?: Partial<AverageSpeedResult>
  readonly failure?: RunFailure
}
