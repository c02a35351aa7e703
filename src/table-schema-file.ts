import { readFileSync } from 'node:fs'
import type { TableField } from '../activities/table-schema.ts'

/** A schema file, read; with faults, the fields are not to be used. */
export interface TableSchemaFile {
  readonly fields: readonly TableField[]
  /** Each a sentence that begins with what is at fault in the file. */
  readonly faults: readonly string[]
}

/** Types that a CSV file can hold: https://cloud.google.com/bigquery/docs/loading-data-cloud-storage-csv#data_types */
const TYPES: Readonly<Record<string, string>> = {
  BIGNUMERIC: 'BIGNUMERIC',
  BOOL: 'BOOLEAN',
  BOOLEAN: 'BOOLEAN',
  BYTES: 'BYTES',
  DATE: 'DATE',
  DATETIME: 'DATETIME',
  FLOAT: 'FLOAT',
  FLOAT64: 'FLOAT',
  GEOGRAPHY: 'GEOGRAPHY',
  INT64: 'INTEGER',
  INTEGER: 'INTEGER',
  JSON: 'JSON',
  NUMERIC: 'NUMERIC',
  STRING: 'STRING',
  TIME: 'TIME',
  TIMESTAMP: 'TIMESTAMP',
}

const PROPERTIES = [
  'name',
  'type',
  'mode',
  'description',
  'maxLength',
  'precision',
  'scale',
  'defaultValueExpression',
  'policyTags',
]

/**
 * Reads a table's schema in BigQuery's JSON: the list of fields that `bq show --schema --format=prettyjson` prints, or the
 * object with `fields` that tables.get has. The columns of the CSV are in this order.
 * @see https://cloud.google.com/bigquery/docs/schemas#creating_a_JSON_schema_file
 */
export function readTableSchemaFile(file: string): TableSchemaFile {
  let content: unknown
  try {
    content = JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    return {
      fields: [],
      faults: [`cannot be read: ${error instanceof Error ? error.message : String(error)}`],
    }
  }
  const list = Array.isArray(content) ? content : (content as { readonly fields?: unknown } | null)?.fields
  if (!Array.isArray(list) || list.length === 0) {
    return { fields: [], faults: ['must be a list of fields, each with name and type'] }
  }
  const faults = list.flatMap((field, i) => faultsOf(field, i))
  const names = list.map((field) => String(field?.name).toLowerCase())
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined)
    faults.push(`${twice} is there twice; BigQuery takes names in other case for the same`)
  return { fields: faults.length > 0 ? [] : list.map(fieldOf), faults }
}

function faultsOf(field: unknown, i: number): string[] {
  if (typeof field !== 'object' || field === null) return [`[${i}] must be an object with name and type`]
  const { name, type = '', mode = 'NULLABLE' } = field as Readonly<Record<string, unknown>>
  const faults = Object.keys(field)
    .filter((property) => !PROPERTIES.includes(property))
    .map((property) => `[${i}].${property} is nothing that a column of a CSV can have`)
  // https://cloud.google.com/bigquery/docs/schemas#column_names
  if (typeof name !== 'string' || !/^[\p{L}_][\p{L}\p{N}_ -]{0,299}$/u.test(name)) {
    faults.push(`[${i}].name must be a column's name, not ${JSON.stringify(name)}`)
  }
  if (TYPES[String(type).toUpperCase()] === undefined) {
    faults.push(`[${i}].type must be one that a CSV can hold, not ${JSON.stringify(type)}`)
  }
  if (!['NULLABLE', 'REQUIRED'].includes(String(mode).toUpperCase())) {
    faults.push(`[${i}].mode must be NULLABLE or REQUIRED, not ${JSON.stringify(mode)}`)
  }
  return faults
}

function fieldOf(field: TableField): TableField {
  return { ...field, type: TYPES[field.type.toUpperCase()] ?? field.type }
}
