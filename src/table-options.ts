import { labelFault } from '../activities/label-rules.ts'
import { RESERVED_LABELS } from '../activities/labels.ts'
import type { LoadOptions, TableField } from '../activities/table-schema.ts'
import { TABLE_SCHEMA } from '../activities/table-schema.ts'
import { listOf } from './environment.ts'
import { readTableSchemaFile } from './table-schema-file.ts'

/** The variables that say how the table is made and loaded. */
export interface TableVariables {
  readonly TABLE_SCHEMA_FILE?: string
  readonly TABLE_PARTITION_FIELD?: string
  readonly TABLE_PARTITION_TYPE: string
  readonly TABLE_PARTITION_EXPIRATION_DAYS?: number
  readonly TABLE_CLUSTERING_FIELDS?: string
  readonly TABLE_LABELS?: string
  readonly JOB_LABELS?: string
  readonly CSV_SKIP_LEADING_ROWS: number
  readonly CSV_FIELD_DELIMITER: string
  readonly CSV_NULL_MARKER?: string
}

/** Options of the load, with what is wrong with them, a sentence each that begins with the variable. */
export interface TableOptions {
  readonly load: LoadOptions
  readonly faults: readonly string[]
}

const DAY_MS = 24 * 60 * 60 * 1000

/** https://cloud.google.com/bigquery/docs/partitioned-tables#date_timestamp_partitioned_tables */
const PARTITION_TYPES: Readonly<Record<string, readonly string[]>> = {
  DATE: ['DAY', 'MONTH', 'YEAR'],
  DATETIME: ['HOUR', 'DAY', 'MONTH', 'YEAR'],
  TIMESTAMP: ['HOUR', 'DAY', 'MONTH', 'YEAR'],
}

/** https://cloud.google.com/bigquery/docs/clustered-tables#limitations */
const MAX_CLUSTERING_FIELDS = 4
const CLUSTERING_TYPES = [
  'BIGNUMERIC',
  'BOOLEAN',
  'DATE',
  'DATETIME',
  'GEOGRAPHY',
  'INTEGER',
  'NUMERIC',
  'STRING',
  'TIMESTAMP',
]

/** Reads the variables, and the schema file if there is one. */
export function tableOptions(v: TableVariables): TableOptions {
  const faults: string[] = []
  const file = v.TABLE_SCHEMA_FILE === undefined ? undefined : readTableSchemaFile(v.TABLE_SCHEMA_FILE)
  for (const fault of file?.faults ?? []) faults.push(`TABLE_SCHEMA_FILE ${v.TABLE_SCHEMA_FILE}: ${fault}`)
  const fields = file?.fields ?? TABLE_SCHEMA.fields
  // Without the columns, nothing can be said of what names one.
  const known = file === undefined || file.faults.length === 0
  const timePartitioning = partitioningOf(v, known ? fields : undefined, faults)
  const clustering = clusteringOf(v, known ? fields : undefined, faults)
  const labels = labelsOf('TABLE_LABELS', v.TABLE_LABELS, faults)
  return {
    load: {
      table: {
        schema: { fields },
        ...(timePartitioning && { timePartitioning }),
        ...(clustering && { clustering }),
        ...(Object.keys(labels).length > 0 && { labels }),
      },
      csv: {
        ...(v.CSV_SKIP_LEADING_ROWS > 0 && { skipLeadingRows: v.CSV_SKIP_LEADING_ROWS }),
        ...(v.CSV_FIELD_DELIMITER !== ',' && { fieldDelimiter: v.CSV_FIELD_DELIMITER }),
        ...(v.CSV_NULL_MARKER !== undefined && { nullMarker: v.CSV_NULL_MARKER }),
      },
      jobLabels: labelsOf('JOB_LABELS', v.JOB_LABELS, faults),
    },
    faults,
  }
}

function partitioningOf(v: TableVariables, fields: readonly TableField[] | undefined, faults: string[]) {
  const { TABLE_PARTITION_FIELD: name, TABLE_PARTITION_TYPE: type, TABLE_PARTITION_EXPIRATION_DAYS: days } = v
  if (name === undefined) {
    if (days !== undefined) faults.push('TABLE_PARTITION_EXPIRATION_DAYS needs TABLE_PARTITION_FIELD')
    return undefined
  }
  const field = fields?.find((one) => one.name === name)
  const types = field === undefined ? undefined : PARTITION_TYPES[field.type]
  if (fields !== undefined && field === undefined)
    faults.push(`TABLE_PARTITION_FIELD ${name} is no column of the table`)
  else if (field !== undefined && types === undefined) {
    faults.push(
      `TABLE_PARTITION_FIELD ${name} is of type ${field.type}; it must be DATE, DATETIME or TIMESTAMP`,
    )
  } else if (types !== undefined && !types.includes(type)) {
    faults.push(`TABLE_PARTITION_TYPE ${type} does not fit ${name}, which is of type ${field?.type}`)
  }
  return { type, field: name, ...(days !== undefined && { expirationMs: String(days * DAY_MS) }) }
}

function clusteringOf(
  { TABLE_CLUSTERING_FIELDS: text }: TableVariables,
  fields: readonly TableField[] | undefined,
  faults: string[],
) {
  const names = listOf(text ?? '')
  if (names.length === 0) return undefined
  if (names.length > MAX_CLUSTERING_FIELDS || new Set(names).size < names.length) {
    faults.push(`TABLE_CLUSTERING_FIELDS must name ${MAX_CLUSTERING_FIELDS} columns at most, each once`)
  }
  for (const name of fields === undefined ? [] : names) {
    const type = fields?.find((one) => one.name === name)?.type
    if (type === undefined) faults.push(`TABLE_CLUSTERING_FIELDS: ${name} is no column of the table`)
    else if (!CLUSTERING_TYPES.includes(type)) {
      faults.push(`TABLE_CLUSTERING_FIELDS: ${name} is of type ${type}, by which no table can be clustered`)
    }
  }
  return { fields: names }
}

/** Reads `team=data,cost-center=4711`. */
function labelsOf(variable: string, text: string | undefined, faults: string[]): Record<string, string> {
  const labels: Record<string, string> = {}
  for (const entry of listOf(text ?? '')) {
    const [, key = '', value] = /^([^=]*)=(.*)$/s.exec(entry) ?? []
    const fault = value === undefined ? undefined : labelFault(key, value, RESERVED_LABELS)
    if (value === undefined) faults.push(`${variable}: ${entry} must be name=value`)
    else if (fault !== undefined) faults.push(`${variable}: ${key} ${fault}`)
    else labels[key] = value
  }
  return labels
}
