import type { RunDefaults, RunPlan } from '../workflows/plan.ts'
import type { Archive } from '../workflows/run-types.ts'
import { settleArchivePlace } from './archive-place.ts'
import { createBatchClaim } from './batch-claim.ts'
import type { ConfirmedPlan } from './confirmed-plan.ts'
import type { ActivityClients } from './context.ts'
import { checkAllThere, moveDescribed } from './described-files.ts'
import { attempting, failure } from './failures.ts'
import { heartbeating } from './long-running.ts'
import { type Manifest, readManifest } from './manifests.ts'
import { writeObject } from './objects.ts'
import { FAILURE_FILE } from './raw-files.ts'
import { deleteObject } from './storage/effects.ts'

/** Why a batch's files lie in the failed path. */
export interface FailureReason {
  readonly type: string
  readonly message: string
  readonly workflowId: string
}

/** Activities that put a batch's files where they belong once its fate is known. */
export function archiveActivities(clients: ActivityClients, defaults: RunDefaults) {
  const { storage } = clients
  const claim = createBatchClaim(clients, defaults)
  return {
    /**
     * Moves exactly the described files to the processed bucket (P8); goes on where an earlier try stopped. Files that
     * landed later are left in place. What it reports is what it finds in the processed path at the end, which must be all
     * that was described.
     * @throws BatchInProgress, RawFilesChanged, RawFilesMissing
     */
    async archiveRawFiles(given: RunPlan): Promise<Archive> {
      return attempting(`archive ${given.rawPath}`, () =>
        heartbeating(async () => {
          const batch = await claim.hold(given)
          const { plan, folders } = batch
          const manifest = await manifestOf(plan)
          const target = await settleArchivePlace(storage, batch, new Date())
          await checkAllThere(storage, plan, manifest, [folders.raw, target])
          const filesLeftInPlace = await moveDescribed(storage, folders.raw, manifest, target)
          await deleteObject(storage, folders.failed, FAILURE_FILE)
          const archived = await checkAllThere(storage, plan, manifest, [target])
          return { processedPath: target.uri, ...archived, filesLeftInPlace }
        }),
      )
    },

    /**
     * Moves the described files of a bad batch to its failed path, with the reason beside them (P12). Files that are
     * already archived stay so.
     */
    async moveRawFilesToFailed(given: RunPlan, reason: FailureReason): Promise<void> {
      await attempting(`move ${given.rawPath} to ${given.failedPath}`, () =>
        heartbeating(async () => {
          const { plan, folders } = await claim.hold(given)
          const manifest = await manifestOf(plan)
          await deleteObject(storage, folders.failed, FAILURE_FILE)
          const text = `${JSON.stringify({ ...reason, at: new Date().toISOString() })}\n`
          await writeObject(storage, `${folders.failed.uri}${FAILURE_FILE}`, text, 0)
          await moveDescribed(storage, folders.raw, manifest, folders.failed)
        }),
      )
    },
  }

  async function manifestOf(plan: ConfirmedPlan): Promise<Manifest> {
    const manifest = await readManifest(storage, plan)
    if (manifest !== undefined) return manifest
    throw failure(
      'RawFilesMissing',
      `The manifest ${plan.manifestUri} has been deleted; nothing was moved. Restore it and retry the run.`,
    )
  }
}
