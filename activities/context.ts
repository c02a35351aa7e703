import type { BigQuery } from '@google-cloud/bigquery'
import type { v1 as dataproc } from '@google-cloud/dataproc'
import type { Storage } from '@google-cloud/storage'
import type { RunDefaults } from '../workflows/plan.ts'

/** The configured clients that activities call. They are made, and closed, by the worker. */
export interface ActivityClients {
  readonly storage: Storage
  readonly bigquery: BigQuery
  readonly clusters: dataproc.ClusterControllerClient
  readonly jobs: dataproc.JobControllerClient
  /** Says whether the workflow of this id has an open run, by asking Temporal about that workflow (not by a list, which lags). */
  isWorkflowOpen(workflowId: string): Promise<boolean>
}

/** What the deployment sets. */
export interface ActivitySettings {
  readonly project: string
  readonly region: string
  readonly deployment: string
  readonly bigqueryLocation: string
  /** `gs://…/spark_avg_speed.py` */
  readonly sparkScriptUri: string
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

/** The shape of the ephemeral cluster. */
export interface ClusterShape {
  readonly imageVersion: string
  readonly machineType: string
  readonly workers: number
  readonly zones: readonly string[]
  readonly serviceAccount?: string
  readonly subnetwork?: string
}

/** Pauses between reads of something that runs in the cloud, in milliseconds. */
export interface Polling {
  /** First pause; it grows with the time waited. */
  readonly minimum: number
  readonly maximum: number
}
