/**
 * All that the other sides may know of the workflow: its names, what goes in, what comes out, what an observer can
 * read while it runs, and the names of its failures. Everything here crosses a process boundary as JSON.
 */

/** The workflow's type, which is also the route's noun (`average-speed`) in camel case. */
export const WORKFLOW_TYPE = 'averageSpeed'

/** The scheduled sweep for clusters whose run is no more. */
export const REAPER_WORKFLOW_TYPE = 'reapOrphanClusters'

/** Id of the Temporal schedule that starts the sweep; also the prefix of its workflows' ids. */
export const REAPER_SCHEDULE_ID = 'reap-orphan-clusters'

/** The keeper of the deployment's slots for clusters. */
export const CLUSTER_SLOTS_WORKFLOW_TYPE = 'clusterSlots'

/** Workflow id of a deployment's keeper of slots. */
export function clusterSlotsIdOf(deployment: string): string {
  return `cluster-slots/${deployment}`
}

/** Update of the keeper: a run asks for a slot. It is answered with true when the run has it at once. */
export const REQUEST_CLUSTER_SLOT = 'requestClusterSlot'

/** Signal to the keeper: a run gives up the slot that it has or waits for. */
export const RELEASE_CLUSTER_SLOT = 'releaseClusterSlot'

/** Signal to a run that had to wait for its slot, with the name of the cluster that it may create now. */
export const CLUSTER_SLOT_GRANTED = 'clusterSlotGranted'

/** Key of the keeper's memo: who holds a slot, and how many wait, as `SlotsView` in slot-book.ts. */
export const CLUSTER_SLOTS_MEMO = 'clusterSlots'

/** The pipeline's name as callers spell it: the DAG id of the system it replaces. */
export const PIPELINE = 'average-speed'

/**
 * Workflow id of a run. One run id, one workflow id, hence one run (P1).
 * @param runId as the caller chose it, see {@link RUN_ID_PATTERN}
 */
export function workflowIdOf(runId: string): string {
  return `${PIPELINE}/${runId}`
}

/** The run id within a workflow id; a workflow started by hand under another id is its own run id. */
export function runIdOf(workflowId: string): string {
  return workflowId.startsWith(`${PIPELINE}/`) ? workflowId.slice(PIPELINE.length + 1) : workflowId
}

/** Run ids are at most 200 characters of what the callers in the field use (`manual__2019-03-01T00:00:00+00:00`). */
export const RUN_ID_PATTERN = '^[A-Za-z0-9][A-Za-z0-9_.:+@=~-]{0,199}$'

/** Search attributes and their types; set-up registers them, the workflow keeps them, lists filter by them. */
export const SEARCH_ATTRIBUTES = {
  RunStep: 'Keyword',
  RawPath: 'Keyword',
  ClusterName: 'Keyword',
  /** A pseudonym of who started the run: attributes are stored in plain text, and shown to whoever may list runs. */
  Owner: 'Keyword',
  /** The deployment that the run belongs to: one lists, counts and acts on its own alone. */
  Deployment: 'Keyword',
  RowsLoaded: 'Int',
  TeardownPending: 'Bool',
  /** The date that an Airflow client gave the run; the gateway sets it and looks runs up by it. */
  LogicalDate: 'Datetime',
} as const

/**
 * A text as the value of a Keyword search attribute. Visibility on SQL keeps at most 255 characters of one, and refuses
 * more on PostgreSQL (`VARCHAR(255)` in Temporal's visibility schema), so longer texts are cut.
 */
export function keywordOf(text: string): string {
  return text.length > 255 ? text.slice(0, 255) : text
}

export const WRITE_DISPOSITIONS = ['WRITE_TRUNCATE', 'WRITE_APPEND'] as const
export type WriteDisposition = (typeof WRITE_DISPOSITIONS)[number]

/** What a run is asked to do. The raw path alone is enough; all else has a default in the deployment's settings. */
export interface AverageSpeedInput {
  /** The batch: `gs://<bucket>/<prefix>/raw-<timestamp>/`, or the same relative to the raw bucket. */
  readonly rawPath: string
  /** Where Spark writes; the default is the sibling `transformed-<timestamp>/`. Full URI or relative to the bucket. */
  readonly transformedPath?: string
  /** Where a bad batch's files go; the default is the sibling `failed-<timestamp>/`. */
  readonly failedPath?: string
  /** `project.dataset.table` or `project:dataset.table`. */
  readonly outputTable?: string
  readonly writeDisposition?: WriteDisposition
  /** Most records that may be unreadable before the batch counts as bad. */
  readonly maxRejects?: number
  /** The same as a share of the records read, 0 to 1. The stricter of the two limits holds. */
  readonly maxRejectShare?: number
  /**
   * A label that asks for a deliberate reload of a batch that was loaded before, or whose files have changed.
   * Lower-case letters, digits and hyphens, at most 40. The same label twice is the same reload. A run without a label finds
   * the loads of all labels.
   */
  readonly reload?: string
}

/** The steps of a run, in the order in which they start. */
export const STEPS = [
  'claimBatch',
  'describeRawFiles',
  'queued',
  'createCluster',
  'runSparkJob',
  'deleteCluster',
  'loadTable',
  'archiveRawFiles',
  'cleanUp',
] as const
export type StepName = (typeof STEPS)[number]

export type StepState = 'pending' | 'running' | 'done' | 'failed' | 'cancelled' | 'skipped'

/** One step as an observer sees it. Times are ISO 8601 in UTC. */
export interface StepStatus {
  readonly name: StepName
  readonly state: StepState
  readonly startedAt?: string
  readonly endedAt?: string
  /** One short sentence: what the step is at, or what came of it. */
  readonly detail?: string
}

/** Key of the workflow memo under which {@link RunProgress} is kept, so that it can be read while no worker runs. */
export const PROGRESS_MEMO = 'progress'

/**
 * Keys of the memo that the starter sets: who first asked for the run, who asked for it again if it was retried, and what
 * for, as {@link AverageSpeedInput}.
 */
export const STARTED_BY_MEMO = 'startedBy'
export const RETRIED_BY_MEMO = 'retriedBy'
export const INPUT_MEMO = 'input'

/** The state of a run while it goes on, kept in the workflow's memo. */
export interface RunProgress {
  readonly steps: readonly StepStatus[]
  /** Which try of cluster and job this is, from 1. */
  readonly attempt: number
  readonly clusterName?: string
  readonly sparkJobId?: string
  readonly loadJobId?: string
  /** Set at the end of the run: what its clusters cost, and what could not be cleaned up. */
  readonly clusters?: readonly ClusterReceipt[]
  readonly notCleaned?: readonly string[]
}

/** A cluster that the run paid for. */
export interface ClusterReceipt {
  readonly name: string
  readonly uuid?: string
  /** From the request to create to the confirmed end. */
  readonly seconds: number
  /**
   * The part of them in which the cluster was running and had no job: before Dataproc took the job, and from the job's end
   * to the request to delete. By Dataproc's own clock; absent when the cluster never ran, or its times could not be read.
   */
  readonly waitingSeconds?: number
  readonly deleted: boolean
}

/** What a run reports when it has succeeded. Kept small: lists stay in Cloud Storage. */
export interface AverageSpeedResult {
  readonly rawPath: string
  /** The table that holds the batch, and how it was loaded: by the run that did so, whatever is the default now. */
  readonly outputTable: string
  readonly writeDisposition: WriteDisposition
  readonly manifestUri: string
  readonly files: number
  readonly bytes: number
  /** What Spark read, wrote and rejected; absent when an earlier run had loaded the batch, whose receipt has them. */
  readonly rowsRead?: number
  readonly rowsWritten?: number
  readonly rowsRejected?: number
  readonly rowsLoaded: number
  /** Absent when there was nothing to load. */
  readonly loadJobId?: string
  /** True when this batch had been loaded by an earlier run, and this one only finished the rest. */
  readonly loadedBefore: boolean
  /** With WRITE_TRUNCATE: the raw path of the batch that the table held before. */
  readonly replacedBatch?: string
  readonly processedPath: string
  /** What lies in the processed path; the same as `files` and `bytes`, or the run would have failed. */
  readonly filesArchived: number
  readonly bytesArchived: number
  /** Files that landed after the description; they are where they were. */
  readonly filesLeftInPlace: number
  /** Where the rejected records lie, if there are any. */
  readonly rejectedPath?: string
  readonly clusters: readonly ClusterReceipt[]
  /** Sums over the clusters. */
  readonly clusterSeconds: number
  readonly waitingSeconds: number
  /** Seconds, over all attempts, in which the run waited for its turn to have a cluster; absent when it never waited. */
  readonly queuedSeconds?: number
  /** Who asked for the run, if the starter said so, and when it began: ISO 8601 in UTC. */
  readonly startedBy?: string
  readonly startedAt: string
  /** The attempt whose output was loaded, from 1; absent when an earlier run had loaded the batch. */
  readonly attempt?: number
  /** True when a cancel came after the load had begun, too late to take effect (P10). */
  readonly cancelledTooLate: boolean
  /** What could not be cleaned up, each a sentence; empty in the ordinary case (P11). */
  readonly notCleaned: readonly string[]
  /** `gs://…` of the run's receipt; absent when it could not be written, which `notCleaned` then says. */
  readonly receiptUri?: string
}

/**
 * The receipt of a run that has archived its batch, kept as JSON beside the archived files: its result, and whose it is.
 * The fields are described in docs/receipt.md.
 */
export interface RunReceipt extends Omit<AverageSpeedResult, 'receiptUri'> {
  /** Goes up when a field changes its meaning or goes away. */
  readonly receiptVersion: 1
  readonly runId: string
  readonly workflowId: string
  /** When all but the receipt was done: ISO 8601 in UTC. */
  readonly endedAt: string
}

/** What the failure of a run carries as its first detail. */
export interface FailureDetails {
  readonly step: StepName
  /** Where the raw files are now. */
  readonly rawFilesAt?: string
  readonly clusters: readonly ClusterReceipt[]
  readonly notCleaned: readonly string[]
}

/**
 * The names of all failures. `data` failures are the batch's fault: its files move to the failed path. All others
 * leave the files where they are, so that a retry just works (P12).
 */
export const FAILURES = {
  InvalidInput: 'request',
  ForeignRun: 'request',
  BatchInProgress: 'request',
  LoadedOtherwise: 'request',
  LoadUnknown: 'request',
  ExecutionEnded: 'request',
  NewerBatchLoaded: 'request',
  RawFilesMissing: 'request',
  RawFilesChanged: 'request',
  RawColumnsMissing: 'request',
  TableNotAllowed: 'request',
  RawFileUnreadable: 'data',
  TooManyRejects: 'data',
  ForeignClaim: 'request',
  PermissionDenied: 'infrastructure',
  AccessBlocked: 'infrastructure',
  ObjectHeld: 'infrastructure',
  NotFound: 'infrastructure',
  QuotaExceeded: 'infrastructure',
  Unavailable: 'infrastructure',
  InvalidRequest: 'infrastructure',
  Stockout: 'infrastructure',
  ClusterCreationFailed: 'infrastructure',
  ClusterCreationTimedOut: 'infrastructure',
  ClusterGone: 'infrastructure',
  ClusterSlotLost: 'infrastructure',
  ForeignCluster: 'infrastructure',
  SparkJobFailed: 'infrastructure',
  SparkJobCancelled: 'infrastructure',
  SparkJobTimedOut: 'infrastructure',
  SparkScriptChanged: 'infrastructure',
  OutputGone: 'infrastructure',
  TooManyParts: 'infrastructure',
  CountsDiffer: 'infrastructure',
  SchemaMismatch: 'infrastructure',
  LoadFailed: 'infrastructure',
  LoadedRowsDiffer: 'infrastructure',
  StepTimedOut: 'infrastructure',
  StorageConflict: 'infrastructure',
  NoteUnreadable: 'infrastructure',
  Internal: 'infrastructure',
} as const satisfies Record<string, 'request' | 'data' | 'infrastructure'>
export type FailureType = keyof typeof FAILURES
