import type { BigQuery } from '@google-cloud/bigquery'

/**
 * Extracts the public table to a raw folder, as newline-delimited JSON, and waits for the end.
 * @param rawPath `gs://…/raw-<timestamp>/`
 * @returns how many files were written
 */
export async function extractTrips(bigquery: BigQuery, rawPath: string): Promise<number> {
  const [job] = await bigquery.createJob({
    configuration: {
      extract: {
        sourceTable: { projectId: 'nyc-tlc', datasetId: 'yellow', tableId: 'trips' },
        destinationUris: [`${rawPath}nyc-tlc-yellow-*.json`],
        destinationFormat: 'NEWLINE_DELIMITED_JSON',
      },
    },
  })
  await job.promise()
  const [metadata] = await job.getMetadata()
  return Number(metadata.statistics.extract.destinationUriFileCounts)
}
