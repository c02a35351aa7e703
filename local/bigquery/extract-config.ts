import { BigQueryError } from './errors.ts'
import type { TableRef } from './names.ts'
import type { ExtractBody } from './requests.ts'

/** An extract, checked, with BigQuery's defaults filled in. */
export interface ExtractConfig {
  readonly source: TableRef
  readonly format: 'CSV' | 'JSON'
  readonly gzip: boolean
  readonly delimiter: string
  readonly header: boolean
  readonly bucket: string
  /** Names of the files: with 12 digits in place of the wildcard, or one name for all rows. */
  readonly nameOf: (shard: number) => string
  readonly sharded: boolean
}

/**
 * Reads the configuration of an extract job.
 * @throws BigQueryError `invalid`
 * @see https://cloud.google.com/bigquery/docs/reference/rest/v2/Job#JobConfigurationExtract
 */
export function parseExtract(body: ExtractBody, projectId: string): ExtractConfig {
  const { sourceTable, destinationUris, destinationUri } = body
  if (sourceTable === undefined) throw invalid('Required parameter is missing: sourceTable')
  const [uri, ...more] = destinationUris ?? (destinationUri === undefined ? [] : [destinationUri])
  if (uri === undefined) throw invalid('Required parameter is missing: destinationUris')
  if (more.length > 0)
    throw invalid('The local BigQuery extracts to one URI. Use a wildcard for several files.')
  const match = /^gs:\/\/([^/*]+)\/(.+)$/s.exec(uri)
  const [, bucket, path] = match ?? []
  if (bucket === undefined || path === undefined) {
    throw invalid(`Invalid destination URI ${uri}: it must be gs://bucket/object.`)
  }
  const [before = '', after, ...rest] = path.split('*')
  if (rest.length > 0) throw invalid(`Invalid destination URI ${uri}: at most one wildcard '*' is allowed.`)
  return {
    source: { projectId, ...sourceTable },
    format: formatOf(body.destinationFormat),
    gzip: isGzip(body.compression),
    delimiter: body.fieldDelimiter ?? ',',
    header: body.printHeader ?? true,
    bucket,
    sharded: after !== undefined,
    nameOf: (shard) => (after === undefined ? path : `${before}${String(shard).padStart(12, '0')}${after}`),
  }
}

function formatOf(format = 'CSV'): ExtractConfig['format'] {
  if (format === 'CSV') return 'CSV'
  if (format === 'NEWLINE_DELIMITED_JSON') return 'JSON'
  throw invalid(`The local BigQuery does not write ${format}. Use CSV or NEWLINE_DELIMITED_JSON.`)
}

function isGzip(compression = 'NONE'): boolean {
  if (compression === 'NONE' || compression === 'GZIP') return compression === 'GZIP'
  throw invalid(`The local BigQuery does not compress with ${compression}. Use GZIP or NONE for compression.`)
}

function invalid(message: string): BigQueryError {
  return new BigQueryError('invalid', message)
}
