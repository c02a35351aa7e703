/** What activities hand to each other through the workflow. Small by design: lists stay in Cloud Storage (P8). */

import type { WriteDisposition } from './contract.ts'
import type { Cloud } from './links.ts'
import type { RunPlan } from './plan.ts'

/** A batch as its manifest describes it. */
export interface Batch {
  readonly manifestUri: string
  readonly files: number
  readonly bytes: number
  /** SHA-256 over names, generations, sizes and checksums, in hexadecimal. */
  readonly digest: string
}

/** One try of cluster and job. Its names come from a key drawn in the workflow, so that a replay keeps them. */
export interface Attempt {
  /** From 1. */
  readonly number: number
  /** 32 hexadecimal digits. */
  readonly key: string
  readonly clusterName: string
  readonly sparkJobId: string
  /** `gs://…/transformed-<timestamp>/<key>/` */
  readonly outputPath: string
  /** `gs://…/rejected-<timestamp>/<key>/` */
  readonly rejectedPath: string
  /** Absent: Dataproc chooses. */
  readonly zone?: string
}

/** A cluster that is running. */
export interface ClusterRef {
  readonly name: string
  readonly uuid: string
  /** Since when, by Dataproc's clock: ISO 8601 in UTC. */
  readonly runningAt?: string
}

/**
 * When a cluster and its job changed state, by Dataproc's clock: ISO 8601 in UTC. Absent is what did not happen, or is not
 * known any more.
 */
export interface ClusterTimes {
  readonly runningAt?: string
  readonly jobAcceptedAt?: string
  readonly jobEndedAt?: string
  readonly deleteRequestedAt?: string
}

/** The files of an output that are to be loaded, as they were listed when it was verified. */
export interface OutputParts {
  readonly files: number
  /** SHA-256 over names, generations and sizes, in hexadecimal. */
  readonly digest: string
}

/** What the Spark job says it did. */
export interface OutputSummary {
  readonly parts: OutputParts
  readonly rowsRead: number
  readonly rowsWritten: number
  readonly rowsRejected: number
}

/** What a look for an earlier load of the batch has shown. */
export interface FoundLoad {
  /** Absent when no load of the batch has succeeded, and it is not known to be empty. */
  readonly load?: Load
  /** True while one is under way, which may succeed yet. */
  readonly isUnderWay: boolean
}

/** What a batch was loaded with: a load that BigQuery has committed, or the finding that there are no rows. */
export interface Load {
  /** Absent when the batch has no rows. */
  readonly jobId?: string
  readonly rows: number
  readonly outputTable: string
  readonly writeDisposition: WriteDisposition
  /** The raw path of the batch that was replaced, if WRITE_TRUNCATE replaced one. */
  readonly replacedBatch?: string
}

/** Where a batch was archived. */
export interface Archive {
  readonly processedPath: string
  readonly files: number
  readonly bytes: number
  readonly filesLeftInPlace: number
}

/** Deadlines that the deployment sets, in milliseconds. */
export interface Deadlines {
  readonly createCluster: number
  readonly sparkJob: number
  /** After its creation was asked for, a cluster deletes itself. */
  readonly clusterLifetime: number
}

/** A run's input, checked, with what the worker's settings add to it. */
export interface Prepared {
  /** The one that the worker works for. */
  readonly deployment: string
  readonly plan: RunPlan
  readonly deadlines: Deadlines
  /** Zones to try, in this order; empty leaves the choice to Dataproc. */
  readonly zones: readonly string[]
  /** Where it is done, for links. */
  readonly cloud: Cloud
  /** Workflow id of the keeper of the deployment's slots for clusters. */
  readonly clusterSlots: string
}

/** A cluster that counts against the deployment's limit, whether it exists yet or not, and the run that it is for. */
export interface SlotHolder {
  readonly workflowId: string
  readonly clusterName: string
}

/** A run asks for a slot. Asking twice for the same cluster is asking once. */
export interface SlotRequest extends SlotHolder {
  /** When the run first asked, for whichever of its clusters: its place in line. ISO 8601 in UTC. */
  readonly since: string
  /** Clusters that the deployment may have at a time, as the asking worker has it. */
  readonly limit: number
}

/** What a sweep came to. */
export interface Sweep {
  /** Names of the clusters that were deleted. */
  readonly deleted: readonly string[]
  /**
   * Names of clusters of other Temporal namespaces, and of those that do not say whose they are: whether their runs are open
   * cannot be told from here.
   */
  readonly leftAlone: readonly string[]
}

/** What a look at the holders has shown. */
export interface SlotCheck {
  /** Names of clusters that are not there and never will be. */
  readonly lapsed: readonly string[]
  readonly limit: number
}
