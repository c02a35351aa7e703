import type { RunPlan } from '../workflows/plan.ts'
import type { Archive } from '../workflows/run-types.ts'
import { settleArchivePlace } from './archive-place.ts'
import { createBatchClaim } from './batch-claim.ts'
import { createBatchLoads } from './batch-loads.ts'
import { placesOf } from './batch-places.ts'
import type { ActivityClients, ActivitySettings } from './context.ts'
import { checkAllThere, firstHolding, moveDescribed } from './described-files.ts'
import { noteFailedPlace } from './failed-place.ts'
import { attempting } from './failures.ts'
import { noteLoaded } from './load-notes.ts'
import { heartbeating } from './long-running.ts'
import { requireManifest } from './manifests.ts'
import { writeObject } from './objects.ts'
import { FAILURE_FILE } from './raw-file-names.ts'
import { deleteObject } from './storage/effects.ts'
import type { OwnBatch } from './storage/own-folder.ts'

/** Why a batch's files lie in the failed path. */
export interface FailureReason {
  readonly type: string
  readonly message: string
  readonly workflowId: string
}

/** Activities that put a batch's files where they belong once its fate is known. */
export function archiveActivities(clients: ActivityClients, settings: ActivitySettings) {
  const { storage } = clients
  const claim = createBatchClaim(clients, settings.defaults)
  const loads = createBatchLoads(clients, settings)
  return {
    /**
     * Moves exactly the described files to the processed bucket (P8), from wherever they are; goes on where an earlier try
     * stopped. What a reload has archived stays there. Files that landed later are left in place. What it reports is what it
     * finds in the processed path at the end, which must be all that was described.
     * @throws BatchInProgress, RawFilesChanged, RawFilesMissing
     */
    async archiveRawFiles(given: RunPlan): Promise<Archive> {
      return attempting(`archive ${given.rawPath}`, () =>
        heartbeating(async () => {
          const { batch, load } = await loads.find(await claim.hold(given))
          // A run that died may have loaded the batch without saying so. From here on it counts, whatever BigQuery forgets.
          if (load !== undefined) await noteLoaded(storage, batch, load)
          return archive(batch)
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
          const batch = await claim.hold(given)
          const { plan, folders } = batch
          const manifest = await requireManifest(storage, plan)
          await noteFailedPlace(storage, batch)
          await deleteObject(storage, folders.failed, FAILURE_FILE)
          const text = `${JSON.stringify({ ...reason, at: new Date().toISOString() })}\n`
          await writeObject(storage, `${folders.failed.uri}${FAILURE_FILE}`, text, 0)
          await moveDescribed(storage, folders.raw, manifest, [folders.failed], folders.failed)
        }),
      )
    },
  }

  async function archive(batch: OwnBatch): Promise<Archive> {
    const { plan, folders } = batch
    const manifest = await requireManifest(storage, plan)
    const { failed, archives: known, all, closed } = await placesOf(storage, batch)
    await checkAllThere(storage, plan, manifest, [folders.raw, ...all], { all, closed })
    const home =
      (await firstHolding(storage, manifest, known)) ?? (await settleArchivePlace(storage, batch, new Date()))
    const archives = known.some(({ uri }) => uri === home.uri) ? known : [...known, home]
    const filesLeftInPlace = await moveDescribed(storage, folders.raw, manifest, archives, home)
    for (const place of failed) {
      await moveDescribed(storage, place, manifest, archives, home)
      await deleteObject(storage, place, FAILURE_FILE)
    }
    const archived = await checkAllThere(storage, plan, manifest, archives)
    return { processedPath: home.uri, ...archived, filesLeftInPlace }
  }
}
