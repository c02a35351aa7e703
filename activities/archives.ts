import type { RunPlan } from '../workflows/plan.ts'
import type { Archive, Batch } from '../workflows/run-types.ts'
import { settleArchivePlace } from './archive-place.ts'
import { createBatchClaim } from './batch-claim.ts'
import type { ActivityClients } from './context.ts'
import { checkAllThere, moveDescribed } from './described-files.ts'
import { attempting, failure } from './failures.ts'
import { heartbeating } from './long-running.ts'
import { type Manifest, readManifest } from './manifests.ts'
import { deleteIfPresent, writeObject } from './objects.ts'
import { FAILURE_FILE } from './raw-files.ts'

/** Why a batch's files lie in the failed path. */
export interface FailureReason {
  readonly type: string
  readonly message: string
  readonly workflowId: string
}

/** Activities that put a batch's files where they belong once its fate is known. */
export function archiveActivities(clients: ActivityClients) {
  const { storage } = clients
  const claim = createBatchClaim(clients)
  return {
    /**
     * Moves exactly the described files to the processed bucket (P8); goes on where an earlier try stopped. Files that
     * landed later are left in place. What it reports is what it finds in the processed path at the end, which must be all
     * that was described.
     * @throws BatchInProgress, RawFilesChanged, RawFilesMissing
     */
    async archiveRawFiles(plan: RunPlan, batch: Batch): Promise<Archive> {
      return attempting(`archive ${plan.rawPath}`, () =>
        heartbeating(async () => {
          await claim.hold(plan)
          const manifest = await manifestOf(batch)
          const target = await settleArchivePlace(storage, plan, new Date())
          await checkAllThere(storage, plan, manifest, [plan.rawPath, target])
          const filesLeftInPlace = await moveDescribed(storage, plan, manifest, target)
          await deleteIfPresent(storage, `${plan.failedPath}${FAILURE_FILE}`)
          const archived = await checkAllThere(storage, plan, manifest, [target])
          return { processedPath: target, ...archived, filesLeftInPlace }
        }),
      )
    },

    /**
     * Moves the described files of a bad batch to its failed path, with the reason beside them (P12). Files that are
     * already archived stay so.
     */
    async moveRawFilesToFailed(plan: RunPlan, batch: Batch, reason: FailureReason): Promise<void> {
      await attempting(`move ${plan.rawPath} to ${plan.failedPath}`, () =>
        heartbeating(async () => {
          await claim.hold(plan)
          const uri = `${plan.failedPath}${FAILURE_FILE}`
          await deleteIfPresent(storage, uri)
          await writeObject(
            storage,
            uri,
            `${JSON.stringify({ ...reason, at: new Date().toISOString() })}\n`,
            0,
          )
          await moveDescribed(storage, plan, await manifestOf(batch), plan.failedPath)
        }),
      )
    },
  }

  async function manifestOf(batch: Batch): Promise<Manifest> {
    const manifest = await readManifest(storage, batch.manifestUri)
    if (manifest !== undefined) return manifest
    throw failure(
      'RawFilesMissing',
      `The manifest ${batch.manifestUri} has been deleted; nothing was moved. Restore it and retry the run.`,
    )
  }
}
