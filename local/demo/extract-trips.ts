import type { BigQuery } from '@google-cloud/bigquery'
import { exportBatch } from '../../src/setup/export-batch.ts'

/**
 * Extracts the public table to a raw folder, as `average-speed export` does.
 * @param rawPath `gs://…/raw-<timestamp>/`
 * @returns how many files were written
 */
export async function extractTrips(bigquery: BigQuery, rawPath: string): Promise<number> {
  const { files } = await exportBatch(bigquery, { table: 'nyc-tlc.yellow.trips', rawPath })
  return files
}
