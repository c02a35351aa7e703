import type { Client } from '@temporalio/client'
import type { GoogleClients } from '../clients.ts'
import type { SetupConfig } from '../config.ts'
import { bucket, temporaryFilesRule } from './buckets.ts'
import { reaperSchedule } from './reaper-schedule.ts'
import type { Resource } from './resource.ts'
import { sparkScript } from './script.ts'
import { namespace, searchAttributes } from './temporal.ts'
import { dataset, table } from './warehouse.ts'

/** What a deployment needs in Cloud Storage, in the order in which it is made. */
export function storageResources(storage: GoogleClients['storage'], config: SetupConfig): Resource[] {
  const { pipeline, bucketLocation: location, batchFolders: folders, temporaryFileDays: days } = config
  const { rawBucket, processedBucket } = pipeline.paths
  const datasetLocation = pipeline.bigqueryLocation
  return [
    bucket(storage, rawBucket, { location, datasetLocation }),
    temporaryFilesRule(storage, rawBucket, { folders, days }),
    ...(processedBucket === rawBucket ? [] : [bucket(storage, processedBucket, { location })]),
    bucket(storage, pipeline.stateBucket, { location }),
    sparkScript(storage, rawBucket, config.sparkScriptUri),
  ]
}

/** What it needs in BigQuery. */
export function warehouseResources(bigquery: GoogleClients['bigquery'], config: SetupConfig): Resource[] {
  const { outputTable, bigqueryLocation } = config.pipeline
  return [dataset(bigquery, outputTable, bigqueryLocation), table(bigquery, outputTable, config.table)]
}

/** What it needs in Temporal. */
export function temporalResources(client: Client, config: SetupConfig): Resource[] {
  const { pipeline, temporal } = config
  return [
    namespace(client),
    searchAttributes(client),
    reaperSchedule(client, pipeline.deployment, temporal.taskQueue),
  ]
}
