import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { TextRow } from './database.ts'
import type { ExtractConfig } from './extract-config.ts'
import type { Field } from './fields.ts'
import { sqlTable } from './names.ts'
import type { ObjectStore } from './object-store.ts'
import { csvColumns, jsonLine } from './values.ts'
import type { Warehouse } from './warehouse.ts'

const pack = promisify(gzip)

/** What an extract has done. */
export interface ExtractOutcome {
  readonly files: number
  /** Logical bytes of the table. */
  readonly inputBytes: number
}

/**
 * Writes a table to Cloud Storage: one file, or several of `rowsPerFile` rows if the URI has a wildcard. An empty table
 * makes one empty file.
 * @throws BigQueryError `notFound` for the table or the bucket
 * @see https://cloud.google.com/bigquery/docs/exporting-data
 */
export async function extract(
  config: ExtractConfig,
  rowsPerFile: number,
  warehouse: Warehouse,
  store: ObjectStore,
  assertNotCancelled: () => void,
): Promise<ExtractOutcome> {
  const { ref, fields, bytes } = warehouse.catalog.table(config.source)
  let files = 0
  const write = async (lines: readonly string[]): Promise<void> => {
    assertNotCancelled()
    const text = [...header(config, fields), ...lines].map((line) => `${line}\n`).join('')
    const content = config.gzip ? await pack(text) : Buffer.from(text)
    const type = config.gzip ? 'application/gzip' : 'application/octet-stream'
    await store.upload(config.bucket, config.nameOf(files), new Uint8Array(content), type)
    files += 1
  }
  const limit = config.sharded ? rowsPerFile : Number.POSITIVE_INFINITY
  let lines: string[] = []
  for await (const rows of warehouse.database.stream(selectOf(config, fields, sqlTable(ref)))) {
    for (const row of rows) {
      if (lines.length === limit) {
        await write(lines)
        lines = []
      }
      lines.push(lineOf(config, row))
    }
  }
  if (lines.length > 0 || files === 0) await write(lines)
  return { files, inputBytes: bytes }
}

function selectOf({ format }: ExtractConfig, fields: readonly Field[], table: string): string {
  return `SELECT ${format === 'JSON' ? jsonLine(fields) : csvColumns(fields).join(', ')} FROM ${table}`
}

function header({ format, header: wanted, delimiter }: ExtractConfig, fields: readonly Field[]): string[] {
  return format === 'CSV' && wanted ? [fields.map(({ name }) => name).join(delimiter)] : []
}

function lineOf({ format, delimiter }: ExtractConfig, row: TextRow): string {
  if (format === 'JSON') return row[0] ?? ''
  return row.map((cell) => csvCell(cell, delimiter)).join(delimiter)
}

/** Null is an empty cell, an empty string a quoted one. */
function csvCell(cell: string | null, delimiter: string): string {
  if (cell === null) return ''
  const needsQuotes = cell === '' || /["\r\n]/.test(cell) || cell.includes(delimiter)
  return needsQuotes ? `"${cell.replaceAll('"', '""')}"` : cell
}
