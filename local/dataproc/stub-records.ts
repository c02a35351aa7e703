import {
  asFlag,
  asNumber,
  asText,
  asTime,
  asWholeNumber,
  type Converted,
  NumberText,
  type RawValue,
} from './stub-values.ts'

type Kind = 'text' | 'time' | 'number' | 'whole number' | 'flag'

/** The record's columns in the order of the CSV; `average_speed` follows. */
const COLUMNS: Readonly<Record<string, Kind>> = {
  vendor_id: 'text',
  pickup_datetime: 'time',
  dropoff_datetime: 'time',
  pickup_longitude: 'number',
  pickup_latitude: 'number',
  dropoff_longitude: 'number',
  dropoff_latitude: 'number',
  rate_code: 'text',
  passenger_count: 'whole number',
  trip_distance: 'number',
  payment_type: 'text',
  fare_amount: 'number',
  extra: 'number',
  mta_tax: 'number',
  imp_surcharge: 'number',
  tip_amount: 'number',
  tolls_amount: 'number',
  total_amount: 'number',
  store_and_fwd_flag: 'flag',
}

const CONVERTERS: Readonly<Record<Kind, (value: RawValue) => Converted>> = {
  text: asText,
  time: asTime,
  number: asNumber,
  'whole number': asWholeNumber,
  flag: asFlag,
}

const EXPECTED: Readonly<Record<Kind, string>> = {
  text: 'text without NUL characters',
  time: 'a time of the years 0001 to 9999',
  number: 'a number',
  'whole number': 'a whole number of 64 bits',
  flag: 'a flag',
}

/** Columns that every file must have in some record. */
export const REQUIRED = ['trip_distance', 'pickup_datetime', 'dropoff_datetime'] as const

/** A line of CSV, or why there is none. */
export type LineResult = ({ readonly csv: string } | { readonly reason: string }) & {
  /** Those of the required columns that the record has; absent when the line is not one JSON object. */
  readonly required?: readonly string[]
}

/** The lines of a raw file: without byte order mark and leading white space, and without blank ones. */
export function linesOf(content: string): string[] {
  return content
    .split(/\r\n|\n|\r/)
    .map((line) => line.replace(/^[\uFEFF \t]+/, ''))
    .filter((line) => line !== '')
}

/** Adds `average_speed` to one record, with the semantics of the pipeline's Spark script. */
export function convertLine(line: string): LineResult {
  const record = parseObject(line)
  if (record === undefined) return { reason: 'the line is not one JSON object' }
  const has = (name: string): boolean => Object.hasOwn(record, name)
  const converted = Object.keys(COLUMNS).some(has)
    ? convert(record)
    : { reason: "the line has none of the record's columns" }
  return { ...converted, required: REQUIRED.filter(has) }
}

/** How many records a line seems to hold, such as an array of them. */
export function recordsIn(line: string): number {
  return Math.max(1, ...REQUIRED.map((name) => line.split(`"${name}"`).length - 1))
}

function convert(record: Readonly<Record<string, RawValue>>): LineResult {
  const values: Record<string, Exclude<Converted, undefined>> = {}
  for (const [name, kind] of Object.entries(COLUMNS)) {
    const raw = record[name] ?? null
    const value = raw === null ? null : CONVERTERS[kind](raw)
    if (value === undefined) return { reason: `${name} is not ${EXPECTED[kind]}` }
    values[name] = value
  }
  const speed = averageSpeed(values['trip_distance'], values['pickup_datetime'], values['dropoff_datetime'])
  if (speed === Number.POSITIVE_INFINITY) return { reason: 'average_speed is beyond a 64-bit float' }
  const cells = Object.entries(COLUMNS).map(([name, kind]) => cell(values[name] ?? null, kind))
  return { csv: [...cells, cell(speed, 'number')].join(',') }
}

/** Miles per hour; 0 for no distance whatever the times, null where it cannot be said. */
function averageSpeed(distance: Converted, pickup: Converted, dropoff: Converted): number | null {
  if (typeof distance !== 'number' || distance < 0) return null
  if (distance === 0) return 0
  if (typeof pickup !== 'bigint' || typeof dropoff !== 'bigint' || dropoff <= pickup) return null
  return (3600 * distance) / (Number(dropoff - pickup) / 1e6)
}

function parseObject(line: string): Record<string, RawValue> | undefined {
  try {
    const value: unknown = JSON.parse(line, keepNumberText)
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isObject && !(value instanceof NumberText) ? (value as Record<string, RawValue>) : undefined
  } catch {
    return undefined
  }
}

/** A number as text must look as it was written, and a large one must not lose digits. */
function keepNumberText(_key: string, value: unknown, context?: { source?: string }): unknown {
  return typeof value === 'number' ? new NumberText(context?.source ?? String(value)) : value
}

function cell(value: Exclude<Converted, undefined>, kind: Kind): string {
  if (value === null) return ''
  if (kind === 'text') return `"${String(value).replaceAll('"', '""')}"`
  if (typeof value === 'bigint') return kind === 'time' ? timeText(value) : value.toString()
  if (typeof value === 'number') return Number.isInteger(value) && value < 1e7 ? `${value}.0` : String(value)
  return value
}

function timeText(micros: bigint): string {
  const seconds = micros / 1_000_000n - (micros % 1_000_000n < 0n ? 1n : 0n)
  const fraction = String(micros - seconds * 1_000_000n)
    .padStart(6, '0')
    .replace(/0+$/, '')
  const text = new Date(Number(seconds) * 1000).toISOString().slice(0, 19).replace('T', ' ')
  return `${text}${fraction && `.${fraction}`} UTC`
}
