import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'

/** The record's columns in DuckDB's types, times as text. */
const FIELDS = {
  vendor_id: 'VARCHAR',
  pickup_datetime: 'VARCHAR',
  dropoff_datetime: 'VARCHAR',
  pickup_longitude: 'DOUBLE',
  pickup_latitude: 'DOUBLE',
  dropoff_longitude: 'DOUBLE',
  dropoff_latitude: 'DOUBLE',
  rate_code: 'VARCHAR',
  passenger_count: 'BIGINT',
  trip_distance: 'DOUBLE',
  payment_type: 'VARCHAR',
  fare_amount: 'DOUBLE',
  extra: 'DOUBLE',
  mta_tax: 'DOUBLE',
  imp_surcharge: 'DOUBLE',
  tip_amount: 'DOUBLE',
  tolls_amount: 'DOUBLE',
  total_amount: 'DOUBLE',
  store_and_fwd_flag: 'VARCHAR',
}

/** Opens DuckDB on as many threads as Spark has. */
export async function openDuckdb(threads: number): Promise<DuckDBConnection> {
  const instance = await DuckDBInstance.create(':memory:', { threads: String(threads) })
  return instance.connect()
}

/** One statement that makes the job's output of the job's input. The order of the rows does not matter, as to the job. */
export function statementOf(raw: string, csv: string): string {
  const time = (name: string): string => `strptime(${name}, '%Y-%m-%d %H:%M:%S UTC')`
  const seconds = `epoch(${time('dropoff_datetime')}) - epoch(${time('pickup_datetime')})`
  const speed = `CASE WHEN trip_distance = 0 THEN 0 WHEN trip_distance > 0 AND seconds > 0 THEN 3600 * trip_distance / seconds END`
  const read = `read_json('${raw}', format = 'newline_delimited', columns = ${columns(FIELDS)})`
  return `COPY (
    SELECT * EXCLUDE (seconds), ${speed} AS average_speed FROM (SELECT *, ${seconds} AS seconds FROM ${read})
  ) TO '${csv}' (FORMAT csv, HEADER false)`
}

/** What a CSV holds, whatever the order of its rows and the spelling of its numbers. @param csv a path, or several by a glob */
export async function contentOf(connection: DuckDBConnection, csv: string): Promise<string> {
  const names = [...Object.keys(FIELDS), 'average_speed']
  const read = `read_csv('${csv}', header = false, columns = ${columns({ ...FIELDS, average_speed: 'DOUBLE' })})`
  const reader = await connection.runAndReadAll(
    `SELECT count(*) || ' rows, ' || sum(hash(${names.join(', ')})::HUGEINT) FROM ${read}`,
  )
  return String(reader.getRows()[0]?.[0])
}

function columns(types: Readonly<Record<string, string>>): string {
  return `{${Object.entries(types)
    .map(([name, type]) => `${name}: '${type}'`)
    .join(', ')}}`
}
