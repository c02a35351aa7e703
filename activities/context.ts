import type { BigQuery } from '@google-cloud/bigquery'
import type { v1 as dataproc, protos } from '@google-cloud/dataproc'
import type { Storage } from '@google-cloud/storage'
import type { RunDefaults } from '../workflows/plan.ts'
import type { SlotRequest } from '../workflows/run-types.ts'
import type { SparkJobOptions } from './spark-arguments.ts'
import type { LoadOptions } from './table-schema.ts'

/** The configured clients that activities call. They are made, and closed, by the worker. */
export interface ActivityClients {
  readonly storage: Storage
  readonly bigquery: BigQuery
  readonly clusters: dataproc.ClusterControllerClient
  readonly jobs: dataproc.JobControllerClient
  /**
   * The run id of the open execution of a workflow, by asking Temporal about that workflow (not by a list, which lags);
   * nothing when none is open.
   */
  openExecution(workflowId: string): Promise<string | undefined>
  /**
   * The id of the Temporal namespace, which no other has, nor one of the same name that is made later. A workflow that it
   * does not know is closed; one of another namespace cannot be looked up here.
   */
  namespaceId(): Promise<string>
  /** Reads the latest run of a workflow, by the same means. */
  readRun(workflowId: string): Promise<RunState>
  readonly slots: ClusterSlots
}

/** A run of the pipeline, as far as it matters to others. */
export interface RunState {
  readonly isOpen: boolean
  /** Of the execution that is open. */
  readonly runId?: string
  /** The cluster of its latest attempt; absent before the first, and of a run that is closed. */
  readonly clusterName?: string
}

/** The way to the workflow that keeps the deployment's slots for clusters. */
export interface ClusterSlots {
  /**
   * Asks for a slot; starts the keeper if there is none.
   * @returns true when the run has it; otherwise it is in line, and will be told by a signal
   */
  request(request: SlotRequest): Promise<boolean>
  /** Frees a slot; does nothing when there is no keeper. */
  release(clusterName: string): Promise<void>
  /** Says whether the keeper counts this cluster. */
  isHeld(clusterName: string): Promise<boolean>
}

/** What the deployment sets. */
export interface ActivitySettings {
  readonly project: string
  readonly region: string
  readonly deployment: string
  /** Clusters that the deployment may have at a time. */
  readonly maxClusters: number
  readonly bigqueryLocation: string
  readonly spark: SparkJobOptions
  readonly load: LoadOptions
  readonly createClusterDeadlineMinutes: number
  readonly sparkJobDeadlineMinutes: number
  readonly defaults: RunDefaults
  readonly cluster: ClusterShape
  readonly polling: Polling
  /**
   * Milliseconds after which a creation whose reply was lost is taken never to have arrived, if its cluster is still not
   * there.
   */
  readonly settleMs: number
}

/** The shape of the ephemeral cluster: what Dataproc is asked for, before the pipeline adds what is its own. */
export interface ClusterShape {
  readonly config: protos.google.cloud.dataproc.v1.IClusterConfig
  /** The user's own labels. */
  readonly labels: Readonly<Record<string, string>>
  /** Tried in this order when one is out of stock, in the place of the config's zone; empty leaves the choice to Dataproc. */
  readonly zones: readonly string[]
}

/** Pauses between reads of something that runs in the cloud, in milliseconds. */
export interface Polling {
  /** First pause; it grows with the time waited. */
  readonly minimum: number
  readonly maximum: number
}
