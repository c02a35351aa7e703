import { BigQueryError } from './errors.ts'

/** The scalar types, by the names that tables.get gives them. */
export type FieldType =
  | 'BOOLEAN'
  | 'BYTES'
  | 'DATE'
  | 'DATETIME'
  | 'FLOAT'
  | 'INTEGER'
  | 'JSON'
  | 'NUMERIC'
  | 'STRING'
  | 'TIME'
  | 'TIMESTAMP'

/**
 * One column.
 * @see https://cloud.google.com/bigquery/docs/reference/rest/v2/tables#TableFieldSchema
 */
export interface Field {
  readonly name: string
  readonly type: FieldType
  readonly mode: 'NULLABLE' | 'REQUIRED'
  readonly description?: string
  /** Kept and given back; who may read the column is not checked. */
  readonly policyTags?: unknown
}

const TYPES: Readonly<Record<string, FieldType>> = {
  BOOL: 'BOOLEAN',
  BOOLEAN: 'BOOLEAN',
  BYTES: 'BYTES',
  DATE: 'DATE',
  DATETIME: 'DATETIME',
  FLOAT: 'FLOAT',
  FLOAT64: 'FLOAT',
  INT64: 'INTEGER',
  INTEGER: 'INTEGER',
  JSON: 'JSON',
  NUMERIC: 'NUMERIC',
  STRING: 'STRING',
  TIME: 'TIME',
  TIMESTAMP: 'TIMESTAMP',
}

/** A field as a client sends it. */
export interface RawField {
  readonly name?: string
  readonly type?: string
  readonly mode?: string
  readonly description?: string
  readonly policyTags?: unknown
}

/**
 * Reads a schema. Nested and repeated fields are refused: nothing here needs them.
 * @throws BigQueryError `invalid`
 */
export function parseFields(raw: readonly RawField[]): Field[] {
  const seen = new Set<string>()
  return raw.map((field) => {
    const parsed = parseField(field)
    const key = parsed.name.toLowerCase()
    if (seen.has(key)) throw new BigQueryError('invalid', `Field ${parsed.name} already exists in schema`)
    seen.add(key)
    return parsed
  })
}

function parseField({ name = '', type = '', mode = 'NULLABLE', description, policyTags }: RawField): Field {
  if (!/^[A-Za-z_][A-Za-z0-9_]{0,299}$/.test(name)) {
    throw new BigQueryError(
      'invalid',
      `Invalid field name "${name}". Fields must contain only letters, numbers, and underscores, start with a letter or underscore, and be at most 300 characters long.`,
    )
  }
  const known = TYPES[type.toUpperCase()]
  if (known === undefined) {
    throw new BigQueryError(
      'invalid',
      `Invalid value for type: ${type} is not a valid value (field: ${name})`,
    )
  }
  const upper = mode.toUpperCase()
  if (upper !== 'NULLABLE' && upper !== 'REQUIRED') {
    throw new BigQueryError(
      'invalid',
      `Field ${name} has mode ${mode}. The local BigQuery has NULLABLE and REQUIRED fields only.`,
    )
  }
  return {
    name,
    type: known,
    mode: upper,
    ...(description !== undefined && { description }),
    ...(policyTags !== undefined && { policyTags }),
  }
}

/** Whether two columns have the same name; BigQuery ignores case here. */
export function sameName(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase()
}
