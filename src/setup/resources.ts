import type { Client } from '@temporalio/client'
import type { GoogleClients } from '../clients.ts'
import type { SetupConfig } from '../config.ts'
import { bucket, bucketThing, temporaryFilesRule } from './buckets.ts'
import { bucketsOf } from './deployment-buckets.ts'
import { reaperSchedule } from './reaper-schedule.ts'
import type { Resource } from './resource.ts'
import { sparkFiles } from './script.ts'
import { namespace, searchAttributes } from './temporal.ts'
import { dataset, table } from './warehouse.ts'

/** What a deployment needs in Cloud Storage, in the order in which it is made. */
export function storageResources(storage: GoogleClients['storage'], config: SetupConfig): Resource[] {
  const { pipeline, bucketLocation, batchFolders: folders, temporaryFileDays: days } = config
  const { bigqueryLocation: datasetLocation, stateBucket } = pipeline
  const { rawBucket } = pipeline.paths
  return [
    ...bucketsOf(pipeline).map(({ name, setting, isMade }) =>
      bucket(storage, name, {
        setting,
        stateBucket,
        ...(isMade && { location: bucketLocation }),
        ...(name === rawBucket && { datasetLocation }),
      }),
    ),
    temporaryFilesRule(storage, rawBucket, { folders, days }),
    ...sparkFiles(storage, config.spark, bucketThing(stateBucket)),
  ]
}

/** What it needs in BigQuery. */
export function warehouseResources(bigquery: GoogleClients['bigquery'], config: SetupConfig): Resource[] {
  const { outputTable, bigqueryLocation, stateBucket } = config.pipeline
  return [
    dataset(bigquery, outputTable, bigqueryLocation),
    table(bigquery, outputTable, { shape: config.table, stateBucket }),
  ]
}

/** What it needs in Temporal. */
export function temporalResources(client: Client, config: SetupConfig): Resource[] {
  const { pipeline, temporal } = config
  return [namespace(client), searchAttributes(client), reaperSchedule(client, pipeline, temporal.taskQueue)]
}
