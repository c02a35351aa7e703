import { canonicalText } from './canonical-text.ts'
import type { Field } from './fields.ts'
import type { CsvOptions } from './load-config.ts'
import { type CheckedRecord, notATimestamp, type RecordRules, TYPE_IN_MESSAGES } from './record-check.ts'
import { decodeUtf8, linesOf } from './text-lines.ts'

interface Cell {
  readonly text: string
  readonly quoted: boolean
}

interface RawRecord {
  readonly text: string | undefined
  /** 1 for the first line of the file. */
  readonly line: number
  readonly offset: number
}

/**
 * Reads a CSV file record by record, with BigQuery's own words for each that is wrong. Blank lines are skipped.
 * @see https://cloud.google.com/bigquery/docs/loading-data-cloud-storage-csv
 */
export async function* csvRecords(
  path: string,
  rules: RecordRules,
  options: CsvOptions,
): AsyncGenerator<CheckedRecord> {
  for await (const record of rawRecords(path, options)) {
    if (record.line <= options.skipLeadingRows || record.text === '') continue
    yield checkRecord(record, rules, options)
  }
}

/** Puts lines together that belong to one record. */
async function* rawRecords(path: string, options: CsvOptions): AsyncGenerator<RawRecord> {
  let open: RawRecord | undefined
  let line = 0
  for await (const { bytes, offset } of linesOf(path)) {
    line += 1
    const text = options.latin1 ? bytes.toString('latin1') : decodeUtf8(bytes)
    const record: RawRecord =
      open === undefined ? { text, line, offset } : { ...open, text: joined(open.text, text) }
    open = undefined
    if (options.allowQuotedNewlines && isOpen(record.text, options.quote)) open = record
    else yield record
  }
  if (open !== undefined) yield open
}

function joined(before: string | undefined, after: string | undefined): string | undefined {
  return before === undefined || after === undefined ? undefined : `${before}\n${after}`
}

/** An odd number of quotes: the record goes on in the next line. */
function isOpen(text: string | undefined, quote: string): boolean {
  return text !== undefined && quote !== '' && text.split(quote).length % 2 === 0
}

function checkRecord(
  record: RawRecord,
  { fields, ignoreUnknownValues }: RecordRules,
  options: CsvOptions,
): CheckedRecord {
  const where = `line_number: ${record.line} byte_offset_to_start_of_line: ${record.offset}`
  if (record.text === undefined) return { fault: `Bad character: the line is not UTF-8.; ${where}` }
  const cells = cellsOf(record.text, options)
  if (typeof cells === 'string') {
    return {
      fault: `Error detected while parsing row starting at position: ${record.offset}. Error: ${cells}`,
    }
  }
  if (cells.length > fields.length && !ignoreUnknownValues) {
    return {
      fault: `Too many values in row starting at position: ${record.offset}. Found ${cells.length} column(s) while expected ${fields.length}.; ${where}`,
    }
  }
  if (cells.length < fields.length && !options.allowJaggedRows) {
    const missing = fields[cells.length]
    return {
      fault: `CSV table references column position ${cells.length}, but line contains only ${cells.length} columns.; ${where} ${columnOf(missing, cells.length)}`,
    }
  }
  const values: (string | undefined)[] = []
  for (const [i, field] of fields.entries()) {
    const cell = cells[i]
    const text = cell === undefined ? undefined : textOf(cell, field, options)
    const value = text === undefined ? undefined : canonicalText(field.type, text)
    if (text !== undefined && value === undefined) {
      return { fault: `${refusal(field, text)}; ${where} ${columnOf(field, i)} value: "${text}"` }
    }
    if (value === undefined && field.mode === 'REQUIRED') {
      return {
        fault: `Required column value for column index: ${i} is missing in row starting at position: ${record.offset}`,
      }
    }
    values.push(value)
  }
  return { values }
}

/** A cell's text, or nothing if it means null. */
function textOf({ text, quoted }: Cell, { type }: Field, { nullMarker }: CsvOptions): string | undefined {
  if (text === nullMarker && !(quoted && (type === 'STRING' || nullMarker !== ''))) return undefined
  return text
}

function refusal({ type }: Field, text: string): string {
  if (type === 'TIMESTAMP') return notATimestamp(text)
  if (type === 'DATETIME') return `Invalid datetime string "${text}"`
  if (type === 'DATE') return `Invalid date: '${text}'`
  if (type === 'TIME') return `Invalid time string "${text}"`
  if (type === 'NUMERIC') return `Invalid NUMERIC value: ${text}`
  return 'Unable to parse'
}

function columnOf(field: Field | undefined, index: number): string {
  if (field === undefined) return ''
  return `column_index: ${index} column_name: "${field.name}" column_type: ${TYPE_IN_MESSAGES[field.type]}`
}

/** Splits a record; a string says why it cannot be. */
function cellsOf(text: string, { delimiter, quote }: CsvOptions): Cell[] | string {
  const cells: Cell[] = []
  let at = 0
  for (;;) {
    if (quote !== '' && text[at] === quote) {
      const end = closingQuote(text, at + 1, quote)
      if (end < 0) return `Missing close quote character (${quote}).`
      cells.push({ text: text.slice(at + 1, end).replaceAll(quote + quote, quote), quoted: true })
      at = end + 1
      if (at === text.length) return cells
      if (text[at] !== delimiter) {
        return `Data between close quote character (${quote}) and field separator.`
      }
    } else {
      const end = text.indexOf(delimiter, at)
      cells.push({ text: text.slice(at, end < 0 ? text.length : end), quoted: false })
      if (end < 0) return cells
      at = end
    }
    at += delimiter.length
  }
}

function closingQuote(text: string, from: number, quote: string): number {
  let end = text.indexOf(quote, from)
  while (end >= 0 && text[end + 1] === quote) end = text.indexOf(quote, end + 2)
  return end
}
