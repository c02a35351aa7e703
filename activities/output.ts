import type { Storage } from '@google-cloud/storage'
import { Type } from 'typebox'
import type { FailureType } from '../workflows/contract.ts'
import type { RunPlan } from '../workflows/plan.ts'
import type { Attempt, Batch, Load, OutputSummary } from '../workflows/run-types.ts'
import { createBatchClaim } from './batch-claim.ts'
import { createBatchLoads } from './batch-loads.ts'
import { confirmAttempt, confirmPlan } from './confirmed-plan.ts'
import type { ActivityClients, ActivitySettings } from './context.ts'
import { checkAllThere } from './described-files.ts'
import { attempting, failure, messageOf } from './failures.ts'
import { checkAccounts, type UnreadableFiles } from './file-accounts.ts'
import { type JobSummary, readSummary } from './job-summary.ts'
import { noRows, standingLoad } from './known-load.ts'
import { noteEmpty } from './load-notes.ts'
import { heartbeating } from './long-running.ts'
import { readManifest } from './manifests.ts'
import { listParts } from './output-parts.ts'
import { NoteError, readJson } from './storage/notes.ts'
import { batchFolders } from './storage/own-folder.ts'

/** Activities on what the Spark job has written. */
export function outputActivities(clients: ActivityClients, settings: ActivitySettings) {
  const { storage } = clients
  const { defaults } = settings
  const claim = createBatchClaim(clients, defaults)
  const loads = createBatchLoads(clients, settings)
  return {
    /**
     * Checks the output before it may be loaded (P9): it is complete, its counts agree, those of each file too (P17), its
     * rejects are within the run's limits, no file is rejected whole, and the raw files are still what was described (P8).
     * @throws OutputGone, CountsDiffer, TooManyRejects, RawFileUnreadable, RawFilesChanged, RawFilesMissing
     */
    async verifyOutput(given: RunPlan, batch: Batch, tried: Attempt): Promise<OutputSummary> {
      return attempting(`check the output in ${tried.outputPath}`, () =>
        heartbeating(async () => {
          const plan = confirmPlan(given, defaults)
          const attempt = confirmAttempt(plan, tried)
          const summary = await readSummary(storage, attempt)
          checkCounts(batch, attempt, summary)
          const manifest = await readManifest(storage, plan)
          if (manifest === undefined) {
            throw failure(
              'RawFilesMissing',
              `The manifest ${plan.manifestUri} has been deleted. Restore it and retry the run.`,
            )
          }
          const unreadable = await checkAccounts(storage, plan, manifest, { batch, attempt, summary })
          checkRejects(plan, attempt, summary, unreadable)
          await checkAllThere(storage, plan, manifest, [batchFolders(plan, defaults).raw])
          const { files, digest } = await listParts(storage, attempt)
          return {
            parts: { files, digest },
            rowsRead: summary.read,
            rowsWritten: summary.written,
            rowsRejected: summary.rejected,
          }
        }),
      )
    },

    /**
     * Notes that the batch holds no rows, so that there is nothing to load, for this run and all later ones.
     * @throws OutputGone, CountsDiffer when the output has rows
     */
    async recordEmptyBatch(given: RunPlan, tried: Attempt): Promise<Load> {
      return attempting(`note that ${given.rawPath} holds no rows`, () =>
        heartbeating(async () => {
          const batch = await claim.hold(given)
          const { plan } = batch
          const attempt = confirmAttempt(plan, tried)
          const { written } = await readSummary(storage, attempt)
          if (written > 0)
            throw failure(
              'CountsDiffer',
              `The output in ${attempt.outputPath} has ${written} rows, not none.`,
            )
          const found = await loads.settle(batch)
          if (found.load === undefined) await noteEmpty(storage, found)
          return standingLoad(plan, found.load ?? noRows(plan))
        }),
      )
    },
  }
}

// Of a reason for rejects, in a failure's message.
const MAX_REASON = 200

/** What a job may say of the batch, and what the run ends with. */
const JOB_FAILURES = {
  RawFileMissing: 'RawFilesMissing',
  RawFileUnreadable: 'RawFileUnreadable',
  RawColumnsMissing: 'RawColumnsMissing',
} as const satisfies Record<string, FailureType>
type JobFailureKind = keyof typeof JOB_FAILURES

const JobFailure = Type.Object({
  kind: Type.Union(Object.keys(JOB_FAILURES).map((kind) => Type.Literal(kind as JobFailureKind))),
  message: Type.String(),
})

/** What a job has left about its own failure. */
export interface JobFailureNote {
  /** The failure, if the data is at fault. */
  readonly failure?: Error
  /** One sentence on a note that says nothing; empty if there is none. */
  readonly remark: string
}

/** The job's own account of a failure that is the data's fault. What does not have its form accuses nobody. */
export async function readJobFailure(storage: Storage, { outputPath }: Attempt): Promise<JobFailureNote> {
  const uri = `${outputPath}_failure.json`
  try {
    const told = await readJson(storage, uri, JobFailure)
    if (told === undefined) return { remark: '' }
    const { kind, message } = told.value
    return { failure: failure(JOB_FAILURES[kind], messageOf(message)), remark: '' }
  } catch (error) {
    if (error instanceof NoteError)
      return { remark: ` Its account of the failure, ${uri}, ${error.message}.` }
    throw error
  }
}

function checkCounts(batch: Batch, attempt: Attempt, summary: JobSummary): void {
  const { read, written, rejected, leftOut, files } = summary
  if (files !== undefined && files !== batch.files) {
    throw failure(
      'CountsDiffer',
      `The job has read ${files} files, and ${batch.manifestUri} lists ${batch.files}. Nothing was loaded; retry the run.`,
    )
  }
  if (read !== written + rejected + leftOut) {
    const others = leftOut === 0 ? '' : `, ${leftOut} left out`
    throw failure(
      'CountsDiffer',
      `The job's counts in ${attempt.outputPath}_summary.json do not add up: ${read} read, ${written} written, ${rejected} rejected${others}. Nothing was loaded; retry the run.`,
    )
  }
}

function checkRejects(
  plan: RunPlan,
  attempt: Attempt,
  summary: JobSummary,
  unreadable: UnreadableFiles,
): void {
  const { rejected: lines, recordsRejected: rejected } = summary
  if (rejected === 0) return
  const read = summary.read - lines + rejected
  const limit = Math.min(plan.maxRejects, Math.floor(plan.maxRejectShare * read))
  const reasons = Object.entries(summary.rejectsByReason)
    .sort(([, a], [, b]) => b - a)
    .slice(0, 3)
    .map(([reason, count]) => `${count} × ${reason.slice(0, MAX_REASON)}`)
  const fix = `They are in ${attempt.rejectedPath}, each with its reason. Fix the files and start a run with "reload" set to a label of your choice`
  if (rejected > limit || rejected === read) {
    throw failure(
      'TooManyRejects',
      `${rejected} of ${read} records cannot be read, and ${limit} are allowed (${reasons.join('; ')})${wholly(unreadable)}. ${fix}, or allow more with "maxRejects" and "maxRejectShare".`,
    )
  }
  const { first, count } = unreadable
  if (first === undefined) return
  const more = count === 1 ? '' : `, nor any of ${count - 1} more files`
  throw failure(
    'RawFileUnreadable',
    `${first.uri}: none of its ${first.records} records can be read${more} (in the batch: ${reasons.join('; ')}). ${fix}, or without them.`,
  )
}

function wholly({ first, count }: UnreadableFiles): string {
  if (first === undefined) return ''
  return `; all those of ${first.uri}${count === 1 ? '' : ` and of ${count - 1} more files`} are among them`
}
