import { createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { csvRecords } from './csv-records.ts'
import { BigQueryError, type ErrorProto } from './errors.ts'
import { jsonRecords } from './json-records.ts'
import type { LoadConfig } from './load-config.ts'
import type { SourceFile } from './load-sources.ts'
import type { CheckedRecord, RecordRules } from './record-check.ts'

/** What is left of the sources without their bad records. */
export interface CleanSource {
  /** A CSV file in the spelling of `CLEAN_CSV`. */
  readonly path: string
  readonly badRecords: number
  /** The first few of them; BigQuery reports no more either. */
  readonly warnings: readonly ErrorProto[]
}

const REPORTED = 5

/**
 * Reads sources record by record and writes the good ones to one file.
 * @throws BigQueryError `invalid` as soon as there are more bad records than the load allows
 */
export async function cleanSources(
  files: readonly SourceFile[],
  config: LoadConfig,
  rules: RecordRules,
  path: string,
): Promise<CleanSource> {
  const warnings: ErrorProto[] = []
  let badRecords = 0

  async function* goodLines(): AsyncGenerator<string> {
    for (const file of files) {
      let read = 0
      for await (const record of recordsOf(file, config, rules)) {
        read += 1
        if (record.fault === undefined) {
          yield cleanLine(record.values)
          continue
        }
        badRecords += 1
        if (warnings.length < REPORTED) warnings.push(badRecord(record.fault, file))
        if (badRecords > config.maxBadRecords) throw givenUp(config, file, read, badRecords, warnings)
      }
    }
  }

  await pipeline(goodLines, batched, createWriteStream(path))
  return { path, badRecords, warnings }
}

function recordsOf(file: SourceFile, config: LoadConfig, rules: RecordRules): AsyncGenerator<CheckedRecord> {
  return config.format === 'CSV' ? csvRecords(file.path, rules, config.csv) : jsonRecords(file.path, rules)
}

/** A write for each line would cost more than reading it. */
async function* batched(lines: AsyncIterable<string>): AsyncGenerator<string> {
  let batch = ''
  for await (const line of lines) {
    batch += line
    if (batch.length < 1 << 16) continue
    yield batch
    batch = ''
  }
  if (batch !== '') yield batch
}

function cleanLine(values: readonly (string | undefined)[]): string {
  const cells = values.map((value) => (value === undefined ? '' : `"${value.replaceAll('"', '""')}"`))
  return `${cells.join(',')}\n`
}

function badRecord(fault: string, { uri }: SourceFile): ErrorProto {
  return {
    reason: 'invalid',
    location: uri,
    message: `Error while reading data, error message: ${fault} File: ${uri}`,
  }
}

/** The job's error: the file, the whole, then the records. */
function givenUp(
  { format, maxBadRecords }: LoadConfig,
  { uri }: SourceFile,
  rows: number,
  errors: number,
  records: readonly ErrorProto[],
): BigQueryError {
  const about = 'Error while reading data, error message:'
  const message = `${about} ${format} table encountered too many errors, giving up. Rows: ${rows}; errors: ${errors}. Please look into the errors[] collection for more details.`
  const whole = `${about} ${format} processing encountered too many errors, giving up. Rows: ${rows}; errors: ${errors}; max bad: ${maxBadRecords}; error percent: 0`
  return new BigQueryError('invalid', message, uri, [
    { reason: 'invalid', location: uri, message },
    { reason: 'invalid', message: whole },
    ...records,
  ])
}
