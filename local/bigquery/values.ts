import type { Field, FieldType } from './fields.ts'
import { quoted } from './names.ts'

/**
 * How TIMESTAMPs are written in rows: seconds as a float (the default), microseconds as an integer, or ISO 8601.
 * @see https://cloud.google.com/bigquery/docs/reference/rest/v2/DataFormatOptions
 */
export type TimestampFormat = 'FLOAT64' | 'INT64' | 'ISO8601_STRING'

/**
 * SQL expressions that give a row's cells as the API writes them: every value a string, null as null.
 * @see https://cloud.google.com/bigquery/docs/reference/rest/v2/tabledata/list
 */
export function wireColumns(fields: readonly Field[], timestamps: TimestampFormat): string[] {
  return fields.map(({ name, type }) => wireValue(type, quoted(name), timestamps))
}

function wireValue(type: FieldType, column: string, timestamps: TimestampFormat): string {
  if (type === 'TIMESTAMP') return wireTimestamp(column, timestamps)
  return textValue(type, column)
}

/** A value as text, as rows and CSV exports have it; TIMESTAMP excepted. */
function textValue(type: FieldType, column: string): string {
  switch (type) {
    case 'BYTES':
      return `base64(${column})`
    case 'DATETIME':
      return withFraction(column, '%Y-%m-%dT%H:%M:%S', `epoch_us(${column})`)
    case 'FLOAT':
      return `CASE WHEN isnan(${column}) THEN 'NaN' WHEN isinf(${column}) THEN IF(${column} > 0, 'Infinity', '-Infinity') ELSE CAST(${column} AS VARCHAR) END`
    case 'NUMERIC':
      return `regexp_replace(CAST(${column} AS VARCHAR), '\\.?0+$', '')`
    case 'TIME':
      return withFraction(`(DATE '1970-01-01' + ${column})`, '%H:%M:%S', `epoch_us(${column})`)
    default:
      return `CAST(${column} AS VARCHAR)`
  }
}

function wireTimestamp(column: string, format: TimestampFormat): string {
  if (format === 'INT64') return `CAST(epoch_us(${column}) AS VARCHAR)`
  if (format === 'ISO8601_STRING') return `strftime(${column}, '%Y-%m-%dT%H:%M:%S.%fZ')`
  return `CAST(epoch_us(${column}) / 1000000 AS VARCHAR)`
}

/** Six digits of fraction if there is one, none otherwise. */
function withFraction(column: string, format: string, micros: string): string {
  return `IF(${micros} % 1000000 = 0, strftime(${column}, '${format}'), strftime(${column}, '${format}.%f'))`
}

/** A TIMESTAMP as exports write it: the fraction only when there is one, without trailing zeros. */
function exportedTimestamp(column: string): string {
  const fraction = `regexp_replace(strftime(${column}, '.%f'), '\\.?0+$', '')`
  return `strftime(${column}, '%Y-%m-%d %H:%M:%S') || ${fraction} || ' UTC'`
}

/**
 * A SQL expression for a row as a line of newline-delimited JSON, as an extract job writes it: integers and numerics as
 * strings, floats as numbers, null fields left out.
 * @see https://cloud.google.com/bigquery/docs/exporting-data#export_limitations
 */
export function jsonLine(fields: readonly Field[]): string {
  const members = fields.map(({ name, type }) => {
    const key = `'${JSON.stringify(name)}:'`
    return `CASE WHEN ${quoted(name)} IS NOT NULL THEN ${key} || ${jsonValue(type, quoted(name))} END`
  })
  return `'{' || concat_ws(',', ${members.join(', ')}) || '}'`
}

function jsonValue(type: FieldType, column: string): string {
  switch (type) {
    case 'BOOLEAN':
    case 'JSON':
      return `CAST(${column} AS VARCHAR)`
    case 'FLOAT':
      return `CASE WHEN isfinite(${column}) THEN CAST(${column} AS VARCHAR) ELSE '"' || ${textValue(type, column)} || '"' END`
    case 'TIMESTAMP':
      return `'"' || ${exportedTimestamp(column)} || '"'`
    default:
      return `CAST(to_json(${textValue(type, column)}) AS VARCHAR)`
  }
}

/** SQL expressions for a row's cells in a CSV export; null is an empty cell. */
export function csvColumns(fields: readonly Field[]): string[] {
  return fields.map(({ name, type }) =>
    type === 'TIMESTAMP' ? exportedTimestamp(quoted(name)) : textValue(type, quoted(name)),
  )
}

/**
 * A SQL expression for the bytes that rows count for, to be used in an aggregate.
 * @see https://cloud.google.com/bigquery/pricing#data
 */
export function logicalBytes(fields: readonly Field[]): string {
  const sums = fields.map(({ name, type }) => {
    const column = quoted(name)
    switch (type) {
      case 'STRING':
      case 'JSON':
        return `coalesce(sum(2 + strlen(CAST(${column} AS VARCHAR))), 0)`
      case 'BYTES':
        return `coalesce(sum(2 + octet_length(${column})), 0)`
      case 'BOOLEAN':
        return `count(${column})`
      case 'NUMERIC':
        return `16 * count(${column})`
      default:
        return `8 * count(${column})`
    }
  })
  return sums.length === 0 ? '0' : sums.join(' + ')
}
