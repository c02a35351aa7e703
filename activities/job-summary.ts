import type { Storage } from '@google-cloud/storage'
import { Type } from 'typebox'
import type { Attempt } from '../workflows/run-types.ts'
import { failure } from './failures.ts'
import { exists } from './objects.ts'
import { NoteError, readJson } from './storage/notes.ts'

/** A Spark script's own account of what became of the records, `_summary.json` in its output. */
export interface JobSummary {
  readonly read: number
  /** Rows in the CSV. */
  readonly written: number
  /** Records that cannot be read. */
  readonly rejected: number
  /** Records that the rejected lines hold: more than there are such lines when one is, say, an array of records. */
  readonly recordsRejected: number
  /** Records that by design have no row of their own: filtered, or one of many in a total. */
  readonly leftOut: number
  /** Absent when the script does not say. */
  readonly files?: number
  /** Files of which the script keeps an account, in `_accounts.ndjson`; absent when it keeps none. */
  readonly filesAccounted?: number
  readonly rejectsByReason: Readonly<Record<string, number>>
}

/**
 * Reads what the job has written of its output, which must be complete.
 * @throws OutputGone, CountsDiffer
 */
export async function readSummary(storage: Storage, { outputPath }: Attempt): Promise<JobSummary> {
  const uri = `${outputPath}_summary.json`
  const isComplete = await exists(storage, `${outputPath}_SUCCESS`)
  const summary = isComplete ? await summaryAt(storage, uri) : undefined
  if (summary !== undefined) return parseSummary(summary, uri)
  const missing = isComplete ? '_summary.json' : '_SUCCESS'
  throw failure(
    'OutputGone',
    `The job ended well, but there is no ${outputPath}${missing}. Nothing was loaded; retry the run.`,
  )
}

async function summaryAt(
  storage: Storage,
  uri: string,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  try {
    return (await readJson(storage, uri, Type.Record(Type.String(), Type.Unknown())))?.value
  } catch (error) {
    if (!(error instanceof NoteError)) throw error
    throw failure(
      'CountsDiffer',
      `The Spark script's account ${uri} ${error.message}. Nothing was loaded; fix the script and retry the run.`,
    )
  }
}

/**
 * Reads a summary. A script must say `rows_read` and `rows_written`; `rows_rejected` and `rows_left_out` are 0 unless it says
 * otherwise.
 * @throws CountsDiffer when the content is no summary
 */
function parseSummary(content: Readonly<Record<string, unknown>>, uri: string): JobSummary {
  const count = (name: string, fallback?: number): number => {
    const value = content[name] ?? fallback
    if (Number.isSafeInteger(value) && Number(value) >= 0) return Number(value)
    throw failure(
      'CountsDiffer',
      `The Spark script must write a whole number as ${name} into ${uri}, and has written ${JSON.stringify(value)?.slice(0, 100) ?? 'none'}. Nothing was loaded; fix the script and retry the run.`,
    )
  }
  const rejected = count('rows_rejected', 0)
  return {
    read: count('rows_read'),
    written: count('rows_written'),
    rejected,
    recordsRejected: Math.max(rejected, count('records_rejected', rejected)),
    leftOut: count('rows_left_out', 0),
    ...(content['files_read'] !== undefined && { files: count('files_read') }),
    ...(content['files_accounted'] !== undefined && { filesAccounted: count('files_accounted') }),
    rejectsByReason: countsIn(content['rejects_by_reason']),
  }
}

/** The counts by name in what may be anything; it only helps to explain a failure. */
function countsIn(value: unknown): Readonly<Record<string, number>> {
  const entries = Object.entries(typeof value === 'object' && value !== null ? value : {})
  return Object.fromEntries(
    entries.filter((entry): entry is [string, number] => typeof entry[1] === 'number'),
  )
}
