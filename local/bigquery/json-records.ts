import { canonicalText } from './canonical-text.ts'
import { type Field, sameName } from './fields.ts'
import { type CheckedRecord, notATimestamp, type RecordRules } from './record-check.ts'
import { decodeUtf8, linesOf } from './text-lines.ts'

/** A number with its text, since a double would round long integers. */
class JsonNumber {
  readonly source: string

  constructor(source: string) {
    this.source = source
  }

  toJSON(): number {
    return Number(this.source)
  }
}

/**
 * Reads newline-delimited JSON record by record, with BigQuery's own words for each that is wrong. Blank lines are skipped.
 * @see https://cloud.google.com/bigquery/docs/loading-data-cloud-storage-json
 */
export async function* jsonRecords(path: string, rules: RecordRules): AsyncGenerator<CheckedRecord> {
  for await (const { bytes, offset } of linesOf(path)) {
    const text = decodeUtf8(bytes)
    if (text?.trim() === '') continue
    const checked = text === undefined ? 'Invalid UTF-8 sequence.' : checkRecord(text, rules)
    if (typeof checked !== 'string') yield { values: checked }
    else yield { fault: `JSON parsing error in row starting at position ${offset}: ${checked}` }
  }
}

function checkRecord(
  text: string,
  { fields, ignoreUnknownValues }: RecordRules,
): (string | undefined)[] | string {
  const record = parseObject(text)
  if (typeof record === 'string') return record
  const unknown = Object.keys(record).find((key) => !fields.some(({ name }) => sameName(name, key)))
  if (unknown !== undefined && !ignoreUnknownValues) return `No such field: ${unknown}.`
  const values: (string | undefined)[] = []
  for (const field of fields) {
    const key =
      field.name in record ? field.name : Object.keys(record).find((name) => sameName(name, field.name))
    const value = key === undefined ? undefined : record[key]
    if (value === undefined || value === null) {
      if (field.mode === 'REQUIRED') return missing(field, key !== undefined)
      values.push(undefined)
      continue
    }
    const canonical = textOfValue(field, value)
    if (canonical === undefined) return refusal(field, shown(value))
    values.push(canonical)
  }
  return values
}

function parseObject(text: string): Record<string, unknown> | string {
  try {
    const value: unknown = JSON.parse(
      text,
      (_key, parsed: unknown, context?: { readonly source?: string }) =>
        typeof parsed === 'number' ? new JsonNumber(context?.source ?? String(parsed)) : parsed,
    )
    if (value === null || typeof value !== 'object' || Array.isArray(value) || value instanceof JsonNumber) {
      return 'Start of object expected'
    }
    return value as Record<string, unknown>
  } catch {
    return 'Parser terminated before end of string'
  }
}

function textOfValue({ type }: Field, value: unknown): string | undefined {
  if (type === 'JSON') return typeof value === 'string' ? JSON.stringify(value) : shown(value)
  if (typeof value === 'string') return canonicalText(type, value)
  if (type === 'STRING') return undefined
  if (typeof value === 'boolean') return type === 'BOOLEAN' ? String(value) : undefined
  if (!(value instanceof JsonNumber)) return undefined
  if (type === 'INTEGER') return canonicalText(type, value.source.replace(/\.0+$/, ''))
  return type === 'FLOAT' || type === 'NUMERIC' || type === 'TIMESTAMP'
    ? canonicalText(type, value.source)
    : undefined
}

/** A value as it stood in the file. */
function shown(value: unknown): string {
  if (typeof value === 'string') return value
  return value instanceof JsonNumber ? value.source : JSON.stringify(value)
}

function missing({ name }: Field, isNull: boolean): string {
  return isNull
    ? `Only optional fields can be set to NULL. Field: ${name}; Value: NULL`
    : `Missing required field: ${name}.`
}

const CALLED: Readonly<Record<Field['type'], string>> = {
  BOOLEAN: 'boolean',
  BYTES: 'bytes',
  DATE: 'date',
  DATETIME: 'datetime',
  FLOAT: 'double',
  INTEGER: 'integer (bad value or out of range)',
  JSON: 'JSON',
  NUMERIC: 'numeric',
  STRING: 'string',
  TIME: 'time',
  TIMESTAMP: 'timestamp',
}

function refusal({ name, type }: Field, text: string): string {
  const why = type === 'TIMESTAMP' ? notATimestamp(text) : `Could not convert value to ${CALLED[type]}.`
  return `${why} Field: ${name}; Value: ${text}`
}
