import type { Database } from './database.ts'
import { BigQueryError } from './errors.ts'
import { type Field, sameName } from './fields.ts'
import { sqlTable, type TableRef } from './names.ts'
import { offsetOf, tokenOf } from './paging.ts'
import { type TimestampFormat, wireColumns } from './values.ts'

/** Which rows of a table to read. */
export interface RowRange {
  readonly maxResults?: number
  readonly startIndex?: number
  readonly pageToken?: string
}

/** Rows as the API writes them. */
export interface RowPage {
  readonly rows?: readonly { readonly f: readonly { readonly v: string | null }[] }[]
  /** Absent on the last page. */
  readonly pageToken?: string
}

/** BigQuery limits a page to 10 MB; this many rows of ours are about as much. */
const MAX_PAGE = 20_000

/**
 * Reads a page of rows, in the order in which they were written.
 * @throws BigQueryError `invalid` for a token that is none of ours
 * @see https://cloud.google.com/bigquery/docs/paging-results
 */
export async function readRows(
  database: Database,
  table: TableRef,
  fields: readonly Field[],
  totalRows: number,
  { maxResults = MAX_PAGE, startIndex = 0, pageToken }: RowRange,
  timestamps: TimestampFormat,
): Promise<RowPage> {
  const start = pageToken === undefined ? startIndex : offsetOf(pageToken)
  const limit = Math.min(maxResults, MAX_PAGE)
  if (fields.length === 0 || limit === 0 || start >= totalRows) return {}
  const columns = wireColumns(fields, timestamps).join(', ')
  const rows = await database.rows(`SELECT ${columns} FROM ${sqlTable(table)} LIMIT ${limit} OFFSET ${start}`)
  const next = start + rows.length
  return {
    rows: rows.map((row) => ({ f: row.map((v) => ({ v })) })),
    ...(next < totalRows && rows.length > 0 && { pageToken: tokenOf(next) }),
  }
}

/** How timestamps are asked for. @throws BigQueryError `invalid` */
export function timestampFormat(options: {
  readonly useInt64Timestamp?: boolean
  readonly timestampOutputFormat?: string
}): TimestampFormat {
  const { useInt64Timestamp = false, timestampOutputFormat = '' } = options
  switch (timestampOutputFormat) {
    case '':
    case 'TIMESTAMP_OUTPUT_FORMAT_UNSPECIFIED':
      return useInt64Timestamp ? 'INT64' : 'FLOAT64'
    case 'FLOAT64':
    case 'INT64':
    case 'ISO8601_STRING':
      return timestampOutputFormat
    default:
      throw new BigQueryError('invalid', `Invalid value for timestampOutputFormat: ${timestampOutputFormat}`)
  }
}

/** The fields of a comma-separated selection, in the schema's order. @throws BigQueryError `invalid` */
export function selectedFields(fields: readonly Field[], selection: string | undefined): readonly Field[] {
  if (selection === undefined || selection === '') return fields
  const names = selection.split(',').map((name) => name.trim())
  const unknown = names.find((name) => !fields.some((field) => sameName(field.name, name)))
  if (unknown !== undefined)
    throw new BigQueryError('invalid', `Selected field ${unknown} is not in the schema.`)
  return fields.filter((field) => names.some((name) => sameName(name, field.name)))
}
