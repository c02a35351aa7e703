import { literal } from './names.ts'
import type { Token } from './sql-tokens.ts'

/** Arguments of a call: translated, and as they were sent. */
export interface CallArguments {
  readonly sql: readonly string[]
  readonly tokens: readonly (readonly Token[])[]
}

/** Gives a call's SQL in DuckDB, or nothing when the call goes through as it is. */
type Rewrite = (args: CallArguments) => string | undefined

const UNITS = new Set([
  'MICROSECOND',
  'MILLISECOND',
  'SECOND',
  'MINUTE',
  'HOUR',
  'DAY',
  'WEEK',
  'ISOWEEK',
  'MONTH',
  'QUARTER',
  'YEAR',
])

/** A unit is a bare word: `DAY`. */
function unit({ tokens }: CallArguments, index: number): string | undefined {
  const token = tokens[index]?.[0]
  if (token === undefined || !UNITS.has(token.value)) return undefined
  return literal(token.value.replace('ISOWEEK', 'WEEK').toLowerCase())
}

/** Whole units between two times, rounded towards zero. */
const difference: Rewrite = (args) => {
  const part = unit(args, 2)
  return part && `date_sub(${part}, ${args.sql[1]}, ${args.sql[0]})`
}

/** Unit boundaries between two dates. */
const boundaries: Rewrite = (args) => {
  const part = unit(args, 2)
  return part && `date_diff(${part}, ${args.sql[1]}, ${args.sql[0]})`
}

const truncation: Rewrite = (args) => {
  const part = unit(args, 1)
  return part && `date_trunc(${part}, ${args.sql[0]})`
}

const cast =
  (type: string): Rewrite =>
  ({ sql }) =>
    sql.length === 1 ? `CAST(${sql[0]} AS ${type})` : undefined

const arithmetic =
  (operator: '+' | '-', type: string): Rewrite =>
  ({ sql }) =>
    `CAST(${sql[0]} ${operator} ${sql[1]} AS ${type})`

const renamed =
  (name: string): Rewrite =>
  ({ sql }) =>
    `${name}(${sql.join(', ')})`

/** The format elements of BigQuery that DuckDB's strftime does not know. */
const FORMAT_ELEMENTS: readonly (readonly [RegExp, string])[] = [
  [/%F/g, '%Y-%m-%d'],
  [/%T/g, '%H:%M:%S'],
  [/%R/g, '%H:%M'],
  [/%D/g, '%m/%d/%y'],
  [/%e/g, '%-d'],
  [/%k/g, '%-H'],
  [/%E[6*]S/g, '%S.%f'],
  [/%E3S/g, '%S.%g'],
  [/%E4Y/g, '%Y'],
  [/%s/g, '%-s'],
]

const formatTime: Rewrite = ({ sql, tokens }) => {
  const format = tokens[0]?.[0]
  if (format?.kind !== 'string') return undefined
  const known = FORMAT_ELEMENTS.reduce((text, [from, to]) => text.replaceAll(from, to), format.value)
  const time = sql[2] === undefined ? sql[1] : `timezone(${sql[2]}, ${sql[1]})`
  return `strftime(${time}, ${literal(known)})`
}

/** https://cloud.google.com/bigquery/docs/reference/standard-sql/functions-all */
export const FUNCTIONS: Readonly<Record<string, Rewrite>> = {
  ANY_VALUE: renamed('any_value'),
  BYTE_LENGTH: ({ sql }) => `octet_length(encode(${sql[0]}))`,
  COUNTIF: renamed('count_if'),
  CURRENT_DATETIME: () => 'CAST(current_timestamp AS TIMESTAMP)',
  CURRENT_TIMESTAMP: () => 'current_timestamp',
  CURRENT_DATE: () => 'current_date',
  DATE: cast('DATE'),
  DATETIME: cast('TIMESTAMP'),
  DATETIME_ADD: arithmetic('+', 'TIMESTAMP'),
  DATETIME_DIFF: boundaries,
  DATETIME_SUB: arithmetic('-', 'TIMESTAMP'),
  DATETIME_TRUNC: truncation,
  DATE_ADD: arithmetic('+', 'DATE'),
  DATE_DIFF: boundaries,
  DATE_SUB: arithmetic('-', 'DATE'),
  DATE_TRUNC: truncation,
  DIV: ({ sql }) => `((${sql[0]}) // (${sql[1]}))`,
  FORMAT_DATE: formatTime,
  FORMAT_DATETIME: formatTime,
  FORMAT_TIMESTAMP: formatTime,
  IS_INF: renamed('isinf'),
  IS_NAN: renamed('isnan'),
  LOGICAL_AND: renamed('bool_and'),
  LOGICAL_OR: renamed('bool_or'),
  REGEXP_CONTAINS: renamed('regexp_matches'),
  SAFE_DIVIDE: ({ sql }) =>
    `(CASE WHEN (${sql[1]}) = 0 THEN NULL ELSE CAST(${sql[0]} AS DOUBLE) / (${sql[1]}) END)`,
  TIMESTAMP: cast('TIMESTAMPTZ'),
  TIMESTAMP_ADD: arithmetic('+', 'TIMESTAMPTZ'),
  TIMESTAMP_DIFF: difference,
  TIMESTAMP_MICROS: renamed('make_timestamptz'),
  TIMESTAMP_MILLIS: ({ sql }) => `make_timestamptz((${sql[0]}) * 1000)`,
  TIMESTAMP_SECONDS: ({ sql }) => `make_timestamptz((${sql[0]}) * 1000000)`,
  TIMESTAMP_SUB: arithmetic('-', 'TIMESTAMPTZ'),
  TIMESTAMP_TRUNC: truncation,
  UNIX_MICROS: renamed('epoch_us'),
  UNIX_MILLIS: renamed('epoch_ms'),
  UNIX_SECONDS: ({ sql }) => `(epoch_us(${sql[0]}) // 1000000)`,
}
