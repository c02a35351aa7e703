import type { RunPlan } from '../workflows/plan.ts'
import type { Batch } from '../workflows/run-types.ts'
import { readArchivePlace } from './archive-place.ts'
import { createBatchClaim } from './batch-claim.ts'
import type { ActivityClients } from './context.ts'
import { checkAllThere } from './described-files.ts'
import { attempting, failure } from './failures.ts'
import { heartbeating } from './long-running.ts'
import { readManifest, summarise, writeManifestOnce } from './manifests.ts'
import { type Move, moveObjects } from './moves.ts'
import { entriesBelow, listObjects, objectsByRelativeName, sameBytes, splitUri } from './objects.ts'

/** The reason that is left beside the files of a bad batch. */
export const FAILURE_FILE = '_FAILURE.json'

/** Activities on a batch's files before Spark reads them. */
export function rawFileActivities(clients: ActivityClients) {
  const { storage } = clients
  const claim = createBatchClaim(clients)
  return {
    /**
     * Describes the batch once and for ever (P8). Files that an earlier run moved to the failed path are moved back first;
     * with `reload`, so are those that were archived. A batch described before keeps its manifest: its files are only
     * looked for.
     * @throws BatchInProgress, RawFilesMissing, RawFilesChanged
     */
    async describeRawFiles(plan: RunPlan): Promise<Batch> {
      return attempting(`describe ${plan.rawPath}`, () =>
        heartbeating(async () => {
          await claim.hold(plan)
          const known = await readManifest(storage, plan.manifestUri)
          await moveBack(plan, plan.failedPath)
          const archived =
            (await readArchivePlace(storage, plan)) ??
            (await readArchivePlace(storage, { ...plan, reload: undefined }))
          if (plan.reload !== undefined && known === undefined && archived !== undefined)
            await moveBack(plan, archived)
          if (known !== undefined) {
            const folders = archived === undefined ? [plan.rawPath] : [plan.rawPath, archived]
            await checkAllThere(storage, plan, known, folders)
            return summarise(known)
          }
          const described = await writeManifestOnce(
            storage,
            plan.manifestUri,
            listObjects(storage, plan.rawPath),
          )
          if (described !== undefined) return summarise(described)
          throw failure(
            'RawFilesMissing',
            `There are no files under ${plan.rawPath}. Check the path, or wait until the export has ended.`,
          )
        }),
      )
    },
  }

  /** The names, below the raw path, of all files that any manifest of the batch lists. */
  async function describedNames(plan: RunPlan): Promise<ReadonlySet<string>> {
    const { bucket } = splitUri(plan.rawPath)
    const names = new Set<string>()
    for await (const stored of listObjects(storage, `${plan.batchPath}manifest`)) {
      const manifest = await readManifest(storage, `gs://${bucket}/${stored.name}`)
      if (manifest === undefined) continue
      for await (const { name } of entriesBelow(plan.rawPath, manifest.objects())) names.add(name)
    }
    return names
  }

  /** Moves the batch's files in a folder back to the raw path, but for those whose name is taken there. */
  async function moveBack(plan: RunPlan, folder: string): Promise<void> {
    const there = await objectsByRelativeName(storage, folder)
    there.delete(FAILURE_FILE)
    if (there.size === 0) return
    const ours = await describedNames(plan)
    const raw = await objectsByRelativeName(storage, plan.rawPath)
    const moves: Move[] = []
    for (const [name, object] of there) {
      // A caller may have given several batches the same failed path.
      if (!ours.has(name)) continue
      const present = raw.get(name)
      if (present === undefined || sameBytes(present, object)) {
        moves.push({ from: `${folder}${name}`, to: `${plan.rawPath}${name}`, object })
      }
    }
    await moveObjects(storage, moves)
  }
}
