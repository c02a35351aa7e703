import { createReadStream, createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { bulkInsert, CLEAN_CSV } from './bulk-insert.ts'
import { type FieldType, parseFields } from './fields.ts'
import type { TableRef } from './names.ts'
import { measure, type Warehouse } from './warehouse.ts'

const SAMPLE = join(import.meta.dirname, '..', 'sample', 'nyc-tlc-yellow-2019-03.ndjson.gz')

/** The public table that the batch is an export of. */
const TRIPS: TableRef = { projectId: 'nyc-tlc', datasetId: 'yellow', tableId: 'trips' }

const COLUMNS: readonly (readonly [string, FieldType])[] = [
  ['vendor_id', 'STRING'],
  ['pickup_datetime', 'TIMESTAMP'],
  ['dropoff_datetime', 'TIMESTAMP'],
  ['pickup_longitude', 'FLOAT'],
  ['pickup_latitude', 'FLOAT'],
  ['dropoff_longitude', 'FLOAT'],
  ['dropoff_latitude', 'FLOAT'],
  ['rate_code', 'STRING'],
  ['passenger_count', 'INTEGER'],
  ['trip_distance', 'FLOAT'],
  ['payment_type', 'STRING'],
  ['fare_amount', 'FLOAT'],
  ['extra', 'FLOAT'],
  ['mta_tax', 'FLOAT'],
  ['imp_surcharge', 'FLOAT'],
  ['tip_amount', 'FLOAT'],
  ['tolls_amount', 'FLOAT'],
  ['total_amount', 'FLOAT'],
  ['store_and_fwd_flag', 'STRING'],
]

/** Makes `nyc-tlc:yellow.trips` and fills it with the sample trips. @param tempDir an existing folder */
export async function addPublicData(warehouse: Warehouse, tempDir: string): Promise<void> {
  const fields = parseFields(COLUMNS.map(([name, type]) => ({ name, type })))
  const path = join(tempDir, 'trips.ndjson')
  await pipeline(createReadStream(SAMPLE), createGunzip(), createWriteStream(path))
  warehouse.catalog.addDataset(TRIPS, 'US', {})
  const table = await warehouse.createTable(TRIPS, fields, {})
  const size = await warehouse.database.transaction(async (statements) => {
    const source = {
      paths: [path],
      format: 'JSON',
      fields,
      csv: CLEAN_CSV,
      ignoreUnknownValues: false,
      trusted: false,
    } as const
    await bulkInsert(statements, TRIPS, source)
    return measure(statements, TRIPS, fields)
  })
  warehouse.noteWritten(table, fields, size)
  await rm(path)
}
