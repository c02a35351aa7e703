import type { Client } from '@temporalio/client'
import { type NativeConnection, Worker } from '@temporalio/worker'
import { createActivities } from '../../activities/index.ts'
import type { GoogleClients } from '../clients.ts'
import type { WorkerConfig } from '../config.ts'
import { clusterSlots } from './cluster-slots.ts'
import { namespaceIds, openExecutions, readRuns } from './open-workflows.ts'
import { workflowSource } from './workflow-bundle.ts'

/** What a worker is made of; all of it is closed by whoever opened it. */
export interface WorkerParts {
  readonly config: WorkerConfig
  readonly connection: NativeConnection
  readonly client: Client
  readonly google: GoogleClients
}

/** Makes a worker for the pipeline's workflows and activities; `run()` starts it. */
export async function createWorker({ config, connection, client, google }: WorkerParts): Promise<Worker> {
  const { pipeline } = config
  const { storage, bigquery, clusters, jobs } = google
  return Worker.create({
    connection,
    namespace: config.temporal.namespace,
    taskQueue: config.temporal.taskQueue,
    ...workflowSource(config.workflowBundle),
    activities: createActivities(
      {
        storage,
        bigquery,
        clusters,
        jobs,
        openExecution: openExecutions(client),
        readRun: readRuns(client),
        namespaceId: namespaceIds(client, config.temporal.namespace),
        slots: clusterSlots(client, {
          deployment: pipeline.deployment,
          taskQueue: config.temporal.taskQueue,
        }),
      },
      {
        project: config.google.project,
        region: config.google.region,
        deployment: pipeline.deployment,
        maxClusters: pipeline.maxClusters,
        bigqueryLocation: pipeline.bigqueryLocation,
        spark: config.spark,
        load: config.load,
        createClusterDeadlineMinutes: pipeline.createClusterDeadlineMinutes,
        sparkJobDeadlineMinutes: pipeline.sparkJobDeadlineMinutes,
        defaults: pipeline,
        cluster: config.cluster,
        polling: pipeline.polling,
        settleMs: pipeline.settleMs,
      },
    ),
    // Activities mostly wait, up to three for a run that has a cluster: while it is deleted, rows are loaded and temporary files
    // go. A run that found no room for one would let a paid cluster wait.
    maxConcurrentActivityTaskExecutions: Math.max(100, 3 * pipeline.maxClusters),
    // A cancel, or a reset, reaches an activity with the reply to a heartbeat, and the SDK would send one only every 48
    // seconds (four fifths of the heartbeat timeout) while a cluster is being paid for.
    maxHeartbeatThrottleInterval: '5 seconds',
    // What waits or goes through many files is told at once, lets go after the call to Google that it is in, and is taken
    // up by another worker; what makes a few calls only finishes them.
    shutdownGraceTime: 0,
    // For a call that does not return.
    shutdownForceTime: '30 seconds',
  })
}
