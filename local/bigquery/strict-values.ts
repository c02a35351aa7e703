import type { FieldType } from './fields.ts'
import { literal } from './names.ts'

const DATE = '[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])'
const TIME = '([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?'

/** The usual spellings of each type, in RE2's syntax; DuckDB's own casts would let too much through. */
const USUAL: Readonly<Partial<Record<FieldType, string>>> = {
  BOOLEAN: '(?i)(true|false)',
  DATE,
  DATETIME: `${DATE}[ T]${TIME}`,
  INTEGER: '[+-]?[0-9]{1,18}',
  NUMERIC: '[+-]?[0-9]{1,29}(\\.[0-9]{1,9})?',
  TIME,
  TIMESTAMP: `${DATE}[ T]${TIME}( ?UTC|Z|[+]00:00)?`,
}

const CAST: Readonly<Record<FieldType, (text: string) => string>> = {
  BOOLEAN: (text) => `CAST(${text} AS BOOLEAN)`,
  BYTES: (text) => `from_base64(${text})`,
  DATE: (text) => `CAST(${text} AS DATE)`,
  DATETIME: (text) => `CAST(${text} AS TIMESTAMP)`,
  FLOAT: (text) => `CAST(${text} AS DOUBLE)`,
  INTEGER: (text) => `CAST(${text} AS BIGINT)`,
  JSON: (text) => `CAST(${text} AS JSON)`,
  NUMERIC: (text) => `CAST(${text} AS DECIMAL(38,9))`,
  STRING: (text) => text,
  TIME: (text) => `CAST(${text} AS TIME)`,
  TIMESTAMP: (text) => `CAST(${text} AS TIMESTAMPTZ)`,
}

/** A SQL expression that turns text of `canonicalText` into a value. */
export function trustedValue(type: FieldType, text: string): string {
  return CAST[type](text)
}

/**
 * A SQL expression that turns text into a value, or fails the statement when the text is not one of the usual spellings.
 * Rarer spellings that BigQuery knows go through `canonicalText`.
 */
export function strictValue(type: FieldType, text: string): string {
  const usual = USUAL[type]
  // All usual times are in UTC; by way of TIMESTAMP they are read three times as fast.
  const cast =
    type === 'TIMESTAMP' ? `make_timestamptz(epoch_us(CAST(${text} AS TIMESTAMP)))` : trustedValue(type, text)
  if (usual !== undefined) {
    return `CASE WHEN ${text} IS NULL THEN NULL WHEN regexp_full_match(${text}, ${literal(usual)}) THEN ${cast} ELSE error('unusual') END`
  }
  // A pattern for each float would take longer than everything else; the cast's one fault is that it ignores underscores.
  if (type === 'FLOAT') return `CASE WHEN contains(${text}, '_') THEN error('unusual') ELSE ${cast} END`
  return cast
}
