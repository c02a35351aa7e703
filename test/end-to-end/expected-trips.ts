import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'

const SAMPLE = join(import.meta.dirname, '..', '..', 'local', 'sample', 'nyc-tlc-yellow-2019-03.ndjson.gz')

/** The columns of the output table, in order. */
export const COLUMNS = [
  'vendor_id',
  'pickup_datetime',
  'dropoff_datetime',
  'pickup_longitude',
  'pickup_latitude',
  'dropoff_longitude',
  'dropoff_latitude',
  'rate_code',
  'passenger_count',
  'trip_distance',
  'payment_type',
  'fare_amount',
  'extra',
  'mta_tax',
  'imp_surcharge',
  'tip_amount',
  'tolls_amount',
  'total_amount',
  'store_and_fwd_flag',
  'average_speed',
] as const

/** A row as plain values: texts, numbers, times in milliseconds, or null. */
export type Row = Readonly<Record<(typeof COLUMNS)[number], string | number | null>>

/** The sample trips with their speeds, computed here and nowhere else. */
export function expectedRows(): Row[] {
  const lines = gunzipSync(readFileSync(SAMPLE)).toString('utf8').trimEnd().split('\n')
  return lines.map((line) => rowOf(JSON.parse(line) as Record<string, string | number>))
}

/** One text for one row, by which rows are compared without regard to their order. */
export function fingerprint(row: Row): string {
  return JSON.stringify(COLUMNS.map((column) => row[column]))
}

function rowOf(trip: Record<string, string | number>): Row {
  const row = Object.fromEntries(COLUMNS.map((column) => [column, trip[column] ?? null]))
  const pickup = Date.parse(String(trip['pickup_datetime']).replace(' UTC', 'Z').replace(' ', 'T'))
  const dropoff = Date.parse(String(trip['dropoff_datetime']).replace(' UTC', 'Z').replace(' ', 'T'))
  const distance = Number(trip['trip_distance'])
  const seconds = (dropoff - pickup) / 1000
  return {
    ...row,
    pickup_datetime: pickup,
    dropoff_datetime: dropoff,
    passenger_count: trip['passenger_count'] === undefined ? null : Number(trip['passenger_count']),
    average_speed: distance === 0 ? 0 : distance < 0 || seconds <= 0 ? null : (3600 * distance) / seconds,
  } as Row
}
