import { BigQueryError } from './errors.ts'
import { type Field, parseFields } from './fields.ts'
import { checkTableId, type TableRef } from './names.ts'
import type { LoadBody } from './requests.ts'

/** A load, checked, with BigQuery's defaults filled in. */
export interface LoadConfig {
  readonly destination: TableRef
  readonly sources: readonly SourcePattern[]
  readonly format: 'CSV' | 'JSON'
  /** Absent when the table's own is meant. */
  readonly fields?: readonly Field[]
  readonly mayCreate: boolean
  readonly write: WriteDisposition
  readonly mayAddFields: boolean
  readonly mayRelaxFields: boolean
  readonly maxBadRecords: number
  readonly ignoreUnknownValues: boolean
  readonly csv: CsvOptions
}

const WRITE_DISPOSITIONS = ['WRITE_APPEND', 'WRITE_EMPTY', 'WRITE_TRUNCATE', 'WRITE_TRUNCATE_DATA'] as const

/** https://cloud.google.com/bigquery/docs/reference/rest/v2/Job#JobConfigurationLoad */
export type WriteDisposition = (typeof WRITE_DISPOSITIONS)[number]

/** How CSV files are written. */
export interface CsvOptions {
  readonly skipLeadingRows: number
  /** One character. */
  readonly delimiter: string
  /** One character, or empty when nothing is quoted. */
  readonly quote: string
  /** What stands for null; an empty cell by default. */
  readonly nullMarker: string
  readonly latin1: boolean
  readonly allowQuotedNewlines: boolean
  readonly allowJaggedRows: boolean
}

/** A `gs://` URI with at most one `*`. */
export interface SourcePattern {
  readonly uri: string
  readonly bucket: string
  readonly prefix: string
  /** What must follow the `*`; absent when the URI names one object. */
  readonly suffix?: string
}

/** https://cloud.google.com/bigquery/quotas#load_jobs */
const MAX_URIS = 10_000

/** Reads the configuration of a load job. @throws BigQueryError `invalid` */
export function parseLoad(body: LoadBody, projectId: string): LoadConfig {
  const { destinationTable, sourceUris = [], schema } = body
  if (destinationTable === undefined) throw invalid('Required parameter is missing: destinationTable')
  if (sourceUris.length === 0) throw invalid('Load configuration must specify at least one source URI')
  if (sourceUris.length > MAX_URIS) {
    throw invalid(`Load job specifies ${sourceUris.length} source URIs; at most ${MAX_URIS} are allowed.`)
  }
  if (body.autodetect) {
    throw invalid(
      'The local BigQuery does not detect schemas. Give a schema, or load into a table that has one.',
    )
  }
  checkTableId(destinationTable.tableId)
  const updates = body.schemaUpdateOptions ?? []
  return {
    destination: { projectId, ...destinationTable },
    sources: sourceUris.map(parsePattern),
    format: formatOf(body.sourceFormat),
    ...(schema?.fields && schema.fields.length > 0 && { fields: parseFields(schema.fields) }),
    mayCreate: mayCreate(body.createDisposition),
    write: writeDisposition(body.writeDisposition ?? 'WRITE_APPEND'),
    mayAddFields: updates.includes('ALLOW_FIELD_ADDITION'),
    mayRelaxFields: updates.includes('ALLOW_FIELD_RELAXATION'),
    maxBadRecords: body.maxBadRecords ?? 0,
    ignoreUnknownValues: body.ignoreUnknownValues ?? false,
    csv: csvOptions(body),
  }
}

/** Reads a createDisposition: true for CREATE_IF_NEEDED, the default. */
export function mayCreate(disposition = 'CREATE_IF_NEEDED'): boolean {
  if (disposition === 'CREATE_IF_NEEDED') return true
  if (disposition === 'CREATE_NEVER') return false
  throw invalid(`Invalid value for createDisposition: ${disposition} is not a valid value`)
}

/** Reads a writeDisposition. */
export function writeDisposition(value: string): WriteDisposition {
  const known = WRITE_DISPOSITIONS.find((one) => one === value)
  if (known !== undefined) return known
  throw invalid(`Invalid value for writeDisposition: ${value} is not a valid value`)
}

function formatOf(sourceFormat = 'CSV'): LoadConfig['format'] {
  if (sourceFormat === 'CSV') return 'CSV'
  if (sourceFormat === 'NEWLINE_DELIMITED_JSON') return 'JSON'
  throw invalid(
    `The local BigQuery does not load ${sourceFormat}. Use CSV or NEWLINE_DELIMITED_JSON for sourceFormat.`,
  )
}

function parsePattern(uri: string): SourcePattern {
  const match = /^gs:\/\/([^/*]+)\/(.+)$/s.exec(uri)
  const [, bucket, path] = match ?? []
  if (bucket === undefined || path === undefined) {
    throw invalid(`Source URI must be a Google Cloud Storage location: ${uri}`)
  }
  const [prefix = '', suffix, ...more] = path.split('*')
  if (more.length > 0) throw invalid(`Invalid source URI ${uri}: at most one wildcard '*' is allowed.`)
  return { uri, bucket, prefix, ...(suffix !== undefined && { suffix }) }
}

function csvOptions(body: LoadBody): CsvOptions {
  const encoding = (body.encoding ?? 'UTF-8').toUpperCase()
  if (encoding !== 'UTF-8' && encoding !== 'ISO-8859-1') {
    throw invalid(`The local BigQuery does not read ${encoding}. Use UTF-8 or ISO-8859-1 for encoding.`)
  }
  return {
    skipLeadingRows: body.skipLeadingRows ?? 0,
    delimiter: delimiterOf(body.fieldDelimiter ?? ','),
    quote: quoteOf(body.quote ?? '"'),
    nullMarker: body.nullMarker ?? '',
    latin1: encoding === 'ISO-8859-1',
    allowQuotedNewlines: body.allowQuotedNewlines ?? false,
    allowJaggedRows: body.allowJaggedRows ?? false,
  }
}

function delimiterOf(text: string): string {
  if (text === '\\t' || text.toLowerCase() === 'tab') return '\t'
  if ([...text].length === 1) return text
  throw invalid(`Invalid field delimiter: ${text}. It must be a single character.`)
}

function quoteOf(text: string): string {
  if (text.length <= 1) return text
  throw invalid(`Invalid quote character: ${text}. It must be a single character, or empty.`)
}

function invalid(message: string): BigQueryError {
  return new BigQueryError('invalid', message)
}
