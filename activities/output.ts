import type { Storage } from '@google-cloud/storage'
import type { RunPlan } from '../workflows/plan.ts'
import type { Attempt, Batch, OutputSummary } from '../workflows/run-types.ts'
import type { ActivityClients } from './context.ts'
import { checkAllThere } from './described-files.ts'
import { attempting, failure } from './failures.ts'
import { type JobSummary, parseSummary } from './job-summary.ts'
import { heartbeating } from './long-running.ts'
import { readManifest } from './manifests.ts'
import { readObject } from './objects.ts'

/** Activities on what the Spark job has written. */
export function outputActivities({ storage }: ActivityClients) {
  return {
    /**
     * Checks the output before it may be loaded (P9): it is complete, its counts agree, its rejects are within the run's
     * limits, and the raw files are still what was described (P8).
     * @throws OutputGone, CountsDiffer, TooManyRejects, RawFilesChanged, RawFilesMissing
     */
    async verifyOutput(plan: RunPlan, batch: Batch, attempt: Attempt): Promise<OutputSummary> {
      return attempting(`check the output in ${attempt.outputPath}`, () =>
        heartbeating(async () => {
          const summary = await readSummary(attempt)
          checkCounts(batch, attempt, summary)
          checkRejects(plan, attempt, summary)
          const manifest = await readManifest(storage, batch.manifestUri)
          if (manifest === undefined) {
            throw failure(
              'RawFilesMissing',
              `The manifest ${batch.manifestUri} has been deleted. Restore it and retry the run.`,
            )
          }
          await checkAllThere(storage, plan, manifest, [plan.rawPath])
          return {
            rowsRead: summary.read,
            rowsWritten: summary.written,
            rowsRejected: summary.rejected,
          }
        }),
      )
    },
  }

  async function readSummary(attempt: Attempt): Promise<JobSummary> {
    const success = await readObject(storage, `${attempt.outputPath}_SUCCESS`)
    const summary = await readObject(storage, `${attempt.outputPath}_summary.json`)
    if (success === undefined || summary === undefined) {
      const missing = success === undefined ? '_SUCCESS' : '_summary.json'
      throw failure(
        'OutputGone',
        `The job ended well, but there is no ${attempt.outputPath}${missing}. Nothing was loaded; retry the run.`,
      )
    }
    return parseSummary(summary.text, `${attempt.outputPath}_summary.json`)
  }
}

/** The job's own account of a failure that is the data's fault; nothing if it left none. */
export async function readJobFailure(storage: Storage, attempt: Attempt): Promise<Error | undefined> {
  const told = await readObject(storage, `${attempt.outputPath}_failure.json`)
  if (told === undefined) return undefined
  const { kind, message } = JSON.parse(told.text) as { readonly kind: string; readonly message: string }
  return failure(kind === 'RawFileMissing' ? 'RawFilesMissing' : 'RawFileUnreadable', message)
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

function checkRejects(plan: RunPlan, attempt: Attempt, summary: JobSummary): void {
  const { read, rejected } = summary
  const limit = Math.min(plan.maxRejects, Math.floor(plan.maxRejectShare * read))
  if (rejected === 0 || (rejected <= limit && rejected < read)) return
  const reasons = Object.entries(summary.rejectsByReason)
    .sort(([, a], [, b]) => b - a)
    .slice(0, 3)
    .map(([reason, count]) => `${count} × ${reason}`)
  throw failure(
    'TooManyRejects',
    `${rejected} of ${read} records cannot be read, and ${limit} are allowed (${reasons.join('; ')}). They are in ${attempt.rejectedPath}, each with its reason. Mend the files and start a run with "reload" set to a label of your choice, or allow more with "maxRejects" and "maxRejectShare".`,
  )
}
