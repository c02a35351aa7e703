import type { Catalog, Dataset } from './catalog.ts'
import { BigQueryError } from './errors.ts'
import type { FieldType } from './fields.ts'
import { literal } from './names.ts'
import type { TablePath } from './sql-names.ts'

const SQL_TYPES: Readonly<Record<FieldType, string>> = {
  BOOLEAN: 'BOOL',
  BYTES: 'BYTES',
  DATE: 'DATE',
  DATETIME: 'DATETIME',
  FLOAT: 'FLOAT64',
  INTEGER: 'INT64',
  JSON: 'JSON',
  NUMERIC: 'NUMERIC',
  STRING: 'STRING',
  TIME: 'TIME',
  TIMESTAMP: 'TIMESTAMP',
}

/**
 * The SQL of `dataset.INFORMATION_SCHEMA.TABLES` and `.COLUMNS`, with the columns that checks look at.
 * @returns nothing if the name is another table's
 * @see https://cloud.google.com/bigquery/docs/information-schema-tables
 */
export function informationSchema(catalog: Catalog, path: TablePath, projectId: string): string | undefined {
  const [view = '', marker = '', datasetId, project = projectId] = path.parts.toReversed()
  if (marker.toUpperCase() !== 'INFORMATION_SCHEMA') return undefined
  if (datasetId === undefined) {
    throw new BigQueryError('invalidQuery', `INFORMATION_SCHEMA.${view} must be qualified with a dataset.`)
  }
  const dataset = catalog.dataset({ projectId: project, datasetId })
  if (view.toUpperCase() === 'TABLES') return tables(dataset)
  if (view.toUpperCase() === 'COLUMNS') return columns(dataset)
  throw new BigQueryError(
    'invalidQuery',
    `The local BigQuery has TABLES and COLUMNS in INFORMATION_SCHEMA, not ${view}.`,
  )
}

function tables({ tables: all }: Dataset): string {
  const rows = [...all.values()].map(({ ref, createdMs }) => [
    literal(ref.projectId),
    literal(ref.datasetId),
    literal(ref.tableId),
    "'BASE TABLE'",
    `make_timestamptz(${createdMs * 1000})`,
  ])
  return relation(
    'TABLES',
    ['table_catalog', 'table_schema', 'table_name', 'table_type', 'creation_time'],
    rows,
  )
}

function columns({ tables: all }: Dataset): string {
  const rows = [...all.values()].flatMap(({ ref, fields }) =>
    fields.map(({ name, type, mode }, i) => [
      literal(ref.projectId),
      literal(ref.datasetId),
      literal(ref.tableId),
      literal(name),
      String(i + 1),
      mode === 'REQUIRED' ? "'NO'" : "'YES'",
      literal(SQL_TYPES[type]),
    ]),
  )
  const names = ['table_catalog', 'table_schema', 'table_name', 'column_name', 'ordinal_position']
  return relation('COLUMNS', [...names, 'is_nullable', 'data_type'], rows)
}

function relation(alias: string, names: readonly string[], rows: readonly (readonly string[])[]): string {
  const values = rows.length > 0 ? rows : [names.map(() => 'NULL')]
  const list = values.map((row) => `(${row.join(', ')})`).join(', ')
  const none = rows.length > 0 ? '' : ' LIMIT 0'
  return `(SELECT * FROM (VALUES ${list}) AS ${alias}(${names.join(', ')})${none}) AS ${alias}`
}
