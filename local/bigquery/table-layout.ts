import type { Table } from './catalog.ts'
import { BigQueryError } from './errors.ts'
import type { Field, FieldType } from './fields.ts'

/** How a table is laid out, as a request says it. */
export interface Layout {
  readonly timePartitioning?: {
    readonly type?: string
    readonly field?: string
    readonly expirationMs?: string
  }
  readonly clustering?: { readonly fields?: readonly string[] }
}

/** https://cloud.google.com/bigquery/docs/partitioned-tables#date_timestamp_partitioned_tables */
const PARTITION_TYPES: Readonly<Partial<Record<FieldType, readonly string[]>>> = {
  DATE: ['DAY', 'MONTH', 'YEAR'],
  DATETIME: ['HOUR', 'DAY', 'MONTH', 'YEAR'],
  TIMESTAMP: ['HOUR', 'DAY', 'MONTH', 'YEAR'],
}

/** https://cloud.google.com/bigquery/docs/clustered-tables#limitations */
const NOT_FOR_CLUSTERING: readonly FieldType[] = ['BYTES', 'FLOAT', 'JSON', 'TIME']
const MAX_CLUSTERING_FIELDS = 4

/**
 * Checks the layout of a table that is to be made.
 * @throws BigQueryError `invalid`
 */
export function checkLayout({ timePartitioning, clustering }: Layout, fields: readonly Field[]): void {
  if (timePartitioning !== undefined) {
    const { type = '', field: name, expirationMs } = timePartitioning
    const field = fields.find((one) => one.name === name)
    if (name !== undefined && field === undefined) {
      throw invalid('The field specified for partitioning cannot be found in the schema')
    }
    const types = PARTITION_TYPES[field?.type ?? 'TIMESTAMP']
    if (types === undefined) {
      throw invalid('The field specified for partitioning must be of type DATE, DATETIME or TIMESTAMP')
    }
    if (!types.includes(type)) throw invalid(`Invalid time partitioning type: ${type}`)
    if (expirationMs !== undefined && !/^[1-9]\d*$/.test(expirationMs)) {
      throw invalid(`Invalid value for expirationMs: ${expirationMs} is not a valid value`)
    }
  }
  const names = clustering?.fields ?? []
  if (names.length > MAX_CLUSTERING_FIELDS) {
    throw invalid(`Clustering is by ${names.length} fields; at most ${MAX_CLUSTERING_FIELDS} are allowed.`)
  }
  for (const name of names) {
    const field = fields.find((one) => one.name === name)
    if (field === undefined) throw invalid('The field specified for clustering cannot be found in the schema')
    if (NOT_FOR_CLUSTERING.includes(field.type)) {
      throw invalid(`Field ${name} has type ${field.type}, which is not supported for clustering.`)
    }
  }
}

/**
 * Checks what a job says of a table that is there. A job that says nothing takes it as it is; the expiration is no part of
 * the comparison, and stays the table's.
 * @throws BigQueryError `invalid`; the sentence is BigQuery's (seen in spark-bigquery-connector 164, bigquery-etl 1968)
 */
export function assertSameLayout(table: Table, given: Layout): void {
  if (given.timePartitioning === undefined && given.clustering === undefined) return
  const [expected, input] = [specification(table.properties), specification(given)]
  if (expected === input) return
  throw invalid(
    `Incompatible table partitioning specification. Expects partitioning specification ${expected}, but input partitioning specification is ${input}`,
  )
}

/**
 * Checks what a job says of the labels of a table that is there.
 * @throws BigQueryError `invalid`
 * @see https://cloud.google.com/bigquery/docs/reference/rest/v2/Job#DestinationTableProperties
 */
export function assertSameLabels(table: Table, labels: Readonly<Record<string, unknown>> | undefined): void {
  if (labels === undefined) return
  const sorted = (map: object): string => JSON.stringify(Object.entries(map).sort())
  if (sorted(labels) === sorted(table.properties['labels'] ?? {})) return
  throw invalid('The labels of the destination table are different from those that the job gives.')
}

function specification({ timePartitioning, clustering }: Layout): string {
  const { type = '', field } = timePartitioning ?? {}
  const interval = `interval(type:${type.toLowerCase()}${field === undefined ? '' : `,field:${field}`})`
  const parts = [
    ...(timePartitioning === undefined ? [] : [interval]),
    ...(clustering?.fields === undefined ? [] : [`clustering(${clustering.fields.join(',')})`]),
  ]
  return parts.length === 0 ? 'none' : parts.join(' ')
}

function invalid(message: string): BigQueryError {
  return new BigQueryError('invalid', message)
}
