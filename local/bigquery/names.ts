import { createHash } from 'node:crypto'
import { BigQueryError } from './errors.ts'

/** https://cloud.google.com/bigquery/docs/reference/rest/v2/datasets#DatasetReference */
export interface DatasetRef {
  readonly projectId: string
  readonly datasetId: string
}

/** https://cloud.google.com/bigquery/docs/reference/rest/v2/TableReference */
export interface TableRef extends DatasetRef {
  readonly tableId: string
}

/** `project:dataset`, as ids and errors write it. */
export function datasetName({ projectId, datasetId }: DatasetRef): string {
  return `${projectId}:${datasetId}`
}

/** `project:dataset.table`, as ids and errors write it. */
export function tableName(ref: TableRef): string {
  return `${datasetName(ref)}.${ref.tableId}`
}

/**
 * Checks a new dataset's id.
 * @see https://cloud.google.com/bigquery/docs/datasets#dataset-naming
 */
export function checkDatasetId(id: string): void {
  if (/^\w{1,1024}$/.test(id)) return
  throw new BigQueryError(
    'invalid',
    `Invalid dataset ID "${id}". Dataset IDs must be alphanumeric (plus underscores) and must be at most 1024 characters long.`,
  )
}

/**
 * Checks a table's id. Partition decorators are refused: the stand-in has no partitions.
 * @see https://cloud.google.com/bigquery/docs/tables#table_naming
 */
export function checkTableId(id: string): void {
  if (/^[\p{L}\p{M}\p{N}\p{Pc}\p{Pd}\p{Zs}]{1,1024}$/u.test(id)) return
  throw new BigQueryError(
    'invalid',
    `Invalid table ID "${id}". Table IDs must be alphanumeric (plus underscores, dashes, and spaces) and must be at most 1024 characters long.`,
  )
}

/** A quoted DuckDB identifier. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** A quoted DuckDB string. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

/** A table's schema in DuckDB: one of its own, since names that differ by case only are the same to DuckDB. */
export function sqlSchema(ref: TableRef): string {
  return quoted(`${createHash('md5').update(tableName(ref)).digest('hex')} ${datasetName(ref)}`)
}

/** A table's name in DuckDB; its last part is the table's own, so that it also serves as its alias. */
export function sqlTable(ref: TableRef): string {
  return `${sqlSchema(ref)}.${quoted(ref.tableId)}`
}
