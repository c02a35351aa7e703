import type { Storage } from '@google-cloud/storage'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import type { RunPlan } from '../workflows/plan.ts'
import type { Attempt, Batch } from '../workflows/run-types.ts'
import { failure } from './failures.ts'
import type { JobSummary } from './job-summary.ts'
import type { Manifest } from './manifests.ts'
import { splitUri } from './objects.ts'
import { openLines, parseLine, type Refusal } from './storage/ndjson.ts'

/** Name of the accounts in a job's output: what became of the records of each file, a JSON object a line. */
export const ACCOUNTS = '_accounts.ndjson'

const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })
const Line = Compile(
  Type.Object({
    /** In the bucket, as in the manifest. */
    name: Type.String({ minLength: 1 }),
    rows_read: Count,
    rows_written: Count,
    rows_rejected: Type.Optional(Count),
    rows_left_out: Type.Optional(Count),
  }),
)

interface Account {
  readonly name: string
  readonly read: number
  readonly written: number
  readonly rejected: number
  readonly leftOut: number
}

/** Files none of whose records can be read, and one of them. */
export interface UnreadableFiles {
  readonly count: number
  readonly first?: { readonly uri: string; readonly records: number }
}

/**
 * Holds a job to its accounts of files (P17), if it keeps any: each file of the manifest has one, in the manifest's order; in
 * each what was read is written, rejected or left out; and their sums are the summary's.
 * @returns the files of which every record was rejected
 * @throws CountsDiffer, OutputGone
 */
export async function checkAccounts(
  storage: Storage,
  plan: RunPlan,
  manifest: Manifest,
  { batch, attempt, summary }: { batch: Batch; attempt: Attempt; summary: JobSummary },
): Promise<UnreadableFiles> {
  const uri = `${attempt.outputPath}${ACCOUNTS}`
  const refusal: Refusal = (what) =>
    failure(
      'CountsDiffer',
      `The Spark script's accounts ${uri} ${what}. Nothing was loaded; fix the script and retry the run.`,
    )
  const lines = await openLines(storage, uri, refusal)
  if (lines === undefined) {
    if (summary.filesAccounted === undefined) return { count: 0 }
    throw failure(
      'OutputGone',
      `The job ended well, but there is no ${uri}. Nothing was loaded; retry the run.`,
    )
  }
  const totals = { files: 0, read: 0, written: 0, rejected: 0, leftOut: 0 }
  let unreadable: UnreadableFiles = { count: 0 }
  const { bucket } = splitUri(plan.rawPath)
  const accounts = accountsIn(lines(), refusal)
  for await (const { object } of manifest.entries()) {
    const { value: account } = await accounts.next()
    if (account?.name !== object.name) {
      const found = account === undefined ? 'end' : `have ${JSON.stringify(account.name.slice(0, 120))}`
      throw refusal(`${found} where ${batch.manifestUri} lists ${JSON.stringify(object.name)}`)
    }
    const { read, written, rejected, leftOut } = account
    totals.files++
    totals.read += read
    totals.written += written
    totals.rejected += rejected
    totals.leftOut += leftOut
    if (rejected === 0 || rejected < read) continue
    const first = unreadable.first ?? { uri: `gs://${bucket}/${object.name}`, records: read }
    unreadable = { count: unreadable.count + 1, first }
  }
  const { value: surplus } = await accounts.next()
  if (surplus !== undefined)
    throw refusal(`have ${JSON.stringify(surplus.name.slice(0, 120))}, which ${batch.manifestUri} does not`)
  checkTotals(totals, summary, refusal)
  return unreadable
}

async function* accountsIn(
  lines: AsyncIterable<string>,
  refusal: Refusal,
): AsyncGenerator<Account, undefined> {
  for await (const line of lines) {
    const entry = parseLine(line, refusal)
    if (!Line.Check(entry)) throw refusal('hold a line that is no account of a file')
    const { name, rows_read: read, rows_written: written, rows_rejected = 0, rows_left_out = 0 } = entry
    if (read !== written + rows_rejected + rows_left_out) {
      throw refusal(
        `do not add up for ${JSON.stringify(name)}: ${read} read, ${written} written, ${rows_rejected} rejected, ${rows_left_out} left out`,
      )
    }
    yield { name, read, written, rejected: rows_rejected, leftOut: rows_left_out }
  }
  return undefined
}

function checkTotals(
  totals: Pick<JobSummary, 'read' | 'written' | 'rejected' | 'leftOut'>,
  summary: JobSummary,
  refusal: Refusal,
): void {
  for (const count of ['read', 'written', 'rejected', 'leftOut'] as const) {
    if (totals[count] !== summary[count]) {
      const words = count === 'leftOut' ? 'left out' : count
      throw refusal(`come to ${totals[count]} records ${words}, and _summary.json says ${summary[count]}`)
    }
  }
}
