import type { Statements } from './database.ts'
import type { Field } from './fields.ts'
import type { CsvOptions, LoadConfig } from './load-config.ts'
import { literal, quoted, sqlTable, type TableRef } from './names.ts'
import { strictValue, trustedValue } from './strict-values.ts'

/** How the cleaned-up files are written: null is an empty cell, strings are quoted. */
export const CLEAN_CSV: CsvOptions = {
  skipLeadingRows: 0,
  delimiter: ',',
  quote: '"',
  nullMarker: '',
  latin1: false,
  allowQuotedNewlines: true,
  allowJaggedRows: false,
}

/** Files to insert, and how to read them. */
export interface BulkSource {
  readonly paths: readonly string[]
  readonly format: LoadConfig['format']
  /** The columns of a CSV file, in its order. */
  readonly fields: readonly Field[]
  readonly csv: CsvOptions
  readonly ignoreUnknownValues: boolean
  /** Whether all values are known to be good, and written as `canonicalText` does. */
  readonly trusted: boolean
}

/**
 * Inserts whole files by DuckDB's own readers.
 * @returns the rows inserted
 * @throws DatabaseError at the first record that is wrong, or only unusual; nothing says which
 */
export async function bulkInsert(
  statements: Statements,
  table: TableRef,
  source: BulkSource,
): Promise<number> {
  if (source.paths.length === 0) return 0
  const columns = source.fields.map(({ name }) => quoted(name)).join(', ')
  const select = source.format === 'CSV' ? csvSelect(source) : jsonSelect(source)
  return statements.run(`INSERT INTO ${sqlTable(table)} (${columns}) ${select}`)
}

function csvSelect({ paths, fields, csv, trusted }: BulkSource): string {
  const values = fields.map(({ name, type }) => {
    const text = quoted(name)
    if (trusted) return trustedValue(type, text)
    if (type !== 'STRING' || csv.allowQuotedNewlines) return strictValue(type, text)
    return `CASE WHEN contains(${text}, chr(10)) THEN error('newline') ELSE ${text} END`
  })
  const columns = fields.map(({ name }) => `${literal(name)}: 'VARCHAR'`).join(', ')
  const options = [
    'auto_detect = false',
    'header = false',
    'allow_quoted_nulls = false',
    `columns = {${columns}}`,
    `skip = ${csv.skipLeadingRows}`,
    `delim = ${literal(csv.delimiter)}`,
    `quote = ${literal(csv.quote)}`,
    `escape = ${literal(csv.quote)}`,
    `nullstr = ${literal(csv.nullMarker)}`,
    `null_padding = ${csv.allowJaggedRows}`,
    `encoding = '${csv.latin1 ? 'latin-1' : 'utf-8'}'`,
  ]
  return `SELECT ${values.join(', ')} FROM read_csv(${fileList(paths)}, ${options.join(', ')})`
}

function jsonSelect({ paths, fields, ignoreUnknownValues }: BulkSource): string {
  const shape = JSON.stringify(Object.fromEntries(fields.map(({ name }) => [name, 'JSON'])))
  const values = fields.map((field) => jsonValue(field, `record.${quoted(field.name)}`))
  const names = fields.map(({ name }) => literal(name)).join(', ')
  const known = ignoreUnknownValues ? 'true' : `list_has_all([${names}], json_keys(json))`
  const record = `CASE WHEN json_type(json) = 'OBJECT' AND ${known} THEN json_transform(json, ${literal(shape)}) ELSE error('unusual') END`
  const records = `SELECT ${record} AS record FROM read_ndjson_objects(${fileList(paths)})`
  return `SELECT ${values.join(', ')} FROM (${records})`
}

/** BigQuery takes no number for a STRING, but a string for a number. */
function jsonValue({ type }: Field, json: string): string {
  if (type === 'JSON') return json
  const text = `(${json} ->> '$')`
  if (type !== 'STRING') return strictValue(type, text)
  return `CASE WHEN ${json} IS NULL THEN NULL WHEN json_type(${json}) = 'VARCHAR' THEN ${text} ELSE error('unusual') END`
}

function fileList(paths: readonly string[]): string {
  return `[${paths.map(literal).join(', ')}]`
}
