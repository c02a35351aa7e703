import type { RunPlan } from '../workflows/plan.ts'
import type { Archive, Batch } from '../workflows/run-types.ts'
import { settleArchivePlace } from './archive-place.ts'
import { createBatchClaim } from './batch-claim.ts'
import type { ActivityClients } from './context.ts'
import { attempting, failure } from './failures.ts'
import { heartbeating } from './long-running.ts'
import { type Manifest, readManifest } from './manifests.ts'
import { type Move, moveObjects } from './moves.ts'
import { deleteIfPresent, objectsByRelativeName, sameBytes, splitUri, writeObject } from './objects.ts'
import { checkAllThere, FAILURE_FILE } from './raw-files.ts'

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
          const raw = await objectsByRelativeName(storage, plan.rawPath)
          checkAllThere(plan, manifest.objects, raw, await objectsByRelativeName(storage, target))
          const moved = await moveDescribed(plan, manifest, target, raw)
          await deleteIfPresent(storage, `${plan.failedPath}${FAILURE_FILE}`)
          const archived = await objectsByRelativeName(storage, target)
          checkAllThere(plan, manifest.objects, new Map(), archived)
          return {
            processedPath: target,
            ...countDescribed(plan, manifest, archived),
            filesLeftInPlace: raw.size - moved,
          }
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
          const raw = await objectsByRelativeName(storage, plan.rawPath)
          await moveDescribed(plan, await manifestOf(batch), plan.failedPath, raw)
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

  /** @returns how many it has moved now; what has changed since it was described is left in place */
  async function moveDescribed(
    plan: RunPlan,
    manifest: Manifest,
    target: string,
    raw: Awaited<ReturnType<typeof objectsByRelativeName>>,
  ): Promise<number> {
    const { name: prefix } = splitUri(plan.rawPath)
    const moves: Move[] = []
    for (const described of manifest.objects) {
      const name = described.name.slice(prefix.length)
      const object = raw.get(name)
      if (object === undefined || !sameBytes(object, described)) continue
      moves.push({ from: `${plan.rawPath}${name}`, to: `${target}${name}`, object })
    }
    await moveObjects(storage, moves)
    return moves.length
  }

  /** Files and bytes of what lies in the processed path and was described; other files there are not counted. */
  function countDescribed(
    plan: RunPlan,
    manifest: Manifest,
    archived: Awaited<ReturnType<typeof objectsByRelativeName>>,
  ): { readonly files: number; readonly bytes: number } {
    const { name: prefix } = splitUri(plan.rawPath)
    const found = manifest.objects.flatMap(({ name }) => archived.get(name.slice(prefix.length)) ?? [])
    return { files: found.length, bytes: found.reduce((sum, { size }) => sum + size, 0) }
  }
}
