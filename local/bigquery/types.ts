import { BigQueryError } from './errors.ts'
import type { Field, FieldType } from './fields.ts'
import { quoted } from './names.ts'

/** How each BigQuery type is stored in DuckDB. */
const STORED_AS: Readonly<Record<FieldType, string>> = {
  BOOLEAN: 'BOOLEAN',
  BYTES: 'BLOB',
  DATE: 'DATE',
  DATETIME: 'TIMESTAMP',
  FLOAT: 'DOUBLE',
  INTEGER: 'BIGINT',
  JSON: 'JSON',
  NUMERIC: 'DECIMAL(38,9)',
  STRING: 'VARCHAR',
  TIME: 'TIME',
  TIMESTAMP: 'TIMESTAMPTZ',
}

/** What a column that DuckDB computes is in BigQuery. */
const READ_AS: readonly (readonly [RegExp, FieldType])[] = [
  [/^BOOLEAN$/, 'BOOLEAN'],
  [/^BLOB$/, 'BYTES'],
  [/^DATE$/, 'DATE'],
  [/^TIMESTAMP(_S|_MS|_NS)?$/, 'DATETIME'],
  [/^(DOUBLE|FLOAT)$/, 'FLOAT'],
  [/^U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?$/, 'INTEGER'],
  [/^JSON$/, 'JSON'],
  [/^DECIMAL/, 'NUMERIC'],
  [/^VARCHAR$/, 'STRING'],
  [/^TIME$/, 'TIME'],
  [/^TIMESTAMP WITH TIME ZONE$/, 'TIMESTAMP'],
]

/** The DuckDB type of a BigQuery type. */
export function storedType(type: FieldType): string {
  return STORED_AS[type]
}

/** The columns of a CREATE TABLE. */
export function columnDefinitions(fields: readonly Field[]): string {
  return fields
    .map(
      ({ name, type, mode }) => `${quoted(name)} ${STORED_AS[type]}${mode === 'REQUIRED' ? ' NOT NULL' : ''}`,
    )
    .join(', ')
}

/**
 * The field for a column of a query's result.
 * @throws BigQueryError `invalidQuery` for arrays, structs and intervals
 */
export function fieldOf(name: string, duckdbType: string): Field {
  const found = READ_AS.find(([pattern]) => pattern.test(duckdbType))
  if (found === undefined) {
    throw new BigQueryError(
      'invalidQuery',
      `Column ${name} is of type ${duckdbType}, which the local BigQuery cannot return. Select a scalar value.`,
      'query',
    )
  }
  return { name, type: found[1], mode: 'NULLABLE' }
}
