import type { FieldType } from './fields.ts'

/** What a text means, in the one spelling that the loader reads fast; nothing if it is no value of the type. */
type Canonical = (text: string) => string | undefined

const BOOLEANS: Readonly<Record<string, string>> = {
  '0': 'false',
  '1': 'true',
  f: 'false',
  false: 'false',
  n: 'false',
  no: 'false',
  t: 'true',
  true: 'true',
  y: 'true',
  yes: 'true',
}

const CANONICAL: Readonly<Record<FieldType, Canonical>> = {
  BOOLEAN: (text) => BOOLEANS[text.toLowerCase()],
  BYTES: (text) => (/^[A-Za-z0-9+/]*={0,2}$/.test(text) && text.length % 4 === 0 ? text : undefined),
  DATE: (text) => dateOf(text),
  DATETIME: dateTimeOf,
  FLOAT: floatOf,
  INTEGER: integerOf,
  JSON: jsonOf,
  NUMERIC: (text) => (/^[+-]?\d{1,29}(\.\d{1,9})?$/.test(text.trim()) ? text.trim() : undefined),
  STRING: (text) => text,
  TIME: timeOf,
  TIMESTAMP: timestampOf,
}

/**
 * Reads a value as BigQuery reads it in CSV files and in JSON strings.
 * @returns nothing if BigQuery would refuse it
 * @see https://cloud.google.com/bigquery/docs/loading-data-cloud-storage-csv#data_types
 */
export function canonicalText(type: FieldType, text: string): string | undefined {
  return CANONICAL[type](text)
}

function integerOf(text: string): string | undefined {
  const trimmed = text.trim()
  if (!/^[+-]?\d{1,19}$/.test(trimmed)) return undefined
  const value = BigInt(trimmed.replace(/^\+/, ''))
  return BigInt.asIntN(64, value) === value ? String(value) : undefined
}

function floatOf(text: string): string | undefined {
  const trimmed = text.trim()
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(trimmed)) return trimmed
  if (/^nan$/i.test(trimmed)) return 'nan'
  const infinity = /^([+-]?)inf(inity)?$/i.exec(trimmed)
  return infinity === null ? undefined : `${infinity[1]}inf`
}

function jsonOf(text: string): string | undefined {
  try {
    JSON.parse(text)
    return text
  } catch {
    return undefined
  }
}

function dateOf(text: string): string | undefined {
  const match = /^(\d{4})-(\d{1,2})-(\d{1,2})$/.exec(text)
  if (match === null) return undefined
  const [, year = '', month = '', day = ''] = match
  return isoDate(year, month, day)
}

function isoDate(year: string, month: string, day: string): string | undefined {
  const iso = `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`
  const time = Date.parse(`${iso}T00:00:00Z`)
  // Date.parse takes the 31st of any month for a day of the next one.
  const exists = !Number.isNaN(time) && new Date(time).toISOString().startsWith(iso)
  return exists && year !== '0000' ? iso : undefined
}

function timeOf(text: string): string | undefined {
  const match = /^(\d{1,2}):(\d{1,2}):(\d{1,2})(\.\d{1,6})?$/.exec(text)
  if (match === null) return undefined
  const [hour = '', minute = '', second = ''] = match.slice(1, 4).map((part) => part.padStart(2, '0'))
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return undefined
  return `${hour}:${minute}:${second}${match[4] ?? ''}`
}

const DATE_TIME =
  /^(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:(?:[T ]|\s+)(\d{1,2}:\d{1,2}(?::\d{1,2}(?:\.\d{0,6})?)?))?(.*)$/i

function dateTimeOf(text: string): string | undefined {
  const parts = splitDateTime(text.trim())
  return parts === undefined || parts.zone !== '' ? undefined : `${parts.date} ${parts.time}`
}

function timestampOf(text: string): string | undefined {
  const trimmed = text.trim()
  // Seconds since the epoch, which BigQuery takes too.
  if (/^-?\d+(\.\d{1,6})?$/.test(trimmed) && !/^\d{4}$/.test(trimmed)) return epochSeconds(trimmed)
  const parts = splitDateTime(trimmed)
  if (parts === undefined) return undefined
  const offset = offsetOf(parts.zone)
  return offset === undefined ? undefined : `${parts.date} ${parts.time}${offset}`
}

function splitDateTime(
  text: string,
): { readonly date: string; readonly time: string; readonly zone: string } | undefined {
  const match = DATE_TIME.exec(text)
  if (match === null) return undefined
  const [, year = '', month = '', day = '', clock = '00:00:00', zone = ''] = match
  const date = isoDate(year, month, day)
  const full = clock.split(':').length === 2 ? `${clock}:00` : clock.replace(/\.$/, '')
  const time = timeOf(full)
  return date === undefined || time === undefined ? undefined : { date, time, zone: zone.trim() }
}

/** `+hh:mm` for a zone; names other than UTC are not known here. */
function offsetOf(zone: string): string | undefined {
  if (zone === '' || /^(UTC|Z|GMT)$/i.test(zone)) return '+00:00'
  const match = /^(?:UTC)?([+-])(\d{1,2})(?::?(\d{2}))?$/i.exec(zone)
  if (match === null) return undefined
  const [, sign = '+', hours = '', minutes = '00'] = match
  return Number(hours) > 14 || Number(minutes) > 59
    ? undefined
    : `${sign}${hours.padStart(2, '0')}:${minutes}`
}

function epochSeconds(text: string): string | undefined {
  const [whole = '', fraction = ''] = text.split('.')
  const date = new Date(Number(whole) * 1000)
  if (Number.isNaN(date.getTime()) || (whole.startsWith('-') && fraction !== '')) return undefined
  const iso = date.toISOString()
  if (!/^\d{4}-/.test(iso)) return undefined
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)}${fraction === '' ? '' : `.${fraction}`}+00:00`
}
