import { nestedBatchFolder } from '../workflows/paths.ts'
import type { RunDefaults, RunPlan } from '../workflows/plan.ts'
import type { Batch } from '../workflows/run-types.ts'
import { readArchivePlace } from './archive-place.ts'
import { createBatchClaim, type OwnBatch } from './batch-claim.ts'
import type { ConfirmedPlan } from './confirmed-plan.ts'
import type { ActivityClients } from './context.ts'
import { checkAllThere } from './described-files.ts'
import { attempting, failure } from './failures.ts'
import { heartbeating } from './long-running.ts'
import { type Manifest, readManifest, summarise, writeManifestOnce } from './manifests.ts'
import { moveObjects } from './moves.ts'
import { type Entry, entriesOf, listObjects, type ObjectDescription, sameBytes, splitUri } from './objects.ts'
import { sideBySide } from './sorted-objects.ts'
import type { OwnFolder } from './storage/own-folder.ts'

/** The reason that is left beside the files of a bad batch. */
export const FAILURE_FILE = '_FAILURE.json'

/** Activities on a batch's files before Spark reads them. */
export function rawFileActivities(clients: ActivityClients, defaults: RunDefaults) {
  const { storage } = clients
  const claim = createBatchClaim(clients, defaults)
  return {
    /**
     * Describes the batch once and for ever (P8). Files that an earlier run moved to the failed path are moved back first;
     * with `reload`, so are those that were archived. A batch described before keeps its manifest: its files are only
     * looked for.
     * @throws BatchInProgress, RawFilesMissing, RawFilesChanged, InvalidInput, NoteUnreadable
     */
    async describeRawFiles(given: RunPlan): Promise<Batch> {
      return attempting(`describe ${given.rawPath}`, () =>
        heartbeating(async () => {
          const batch = await claim.hold(given)
          const { plan, folders } = batch
          const known = await readManifest(storage, plan)
          await moveBack(batch, folders.failed)
          const archived =
            (await readArchivePlace(storage, batch, plan.reload)) ??
            (await readArchivePlace(storage, batch, undefined))
          if (plan.reload !== undefined && known === undefined && archived !== undefined)
            await moveBack(batch, archived)
          if (known !== undefined) {
            await checkAllThere(storage, plan, known, [folders.raw, ...(archived ? [archived] : [])])
            return summarise(known, plan)
          }
          const described = await writeManifestOnce(storage, plan, rawObjects(plan))
          if (described !== undefined) return summarise(described, plan)
          throw failure(
            'RawFilesMissing',
            `There are no files under ${plan.rawPath}. Check the path, or wait until the export has ended.`,
          )
        }),
      )
    },
  }

  /** What lies under the raw path. A folder among it that is another batch's would go with this one. */
  async function* rawObjects({ rawPath }: ConfirmedPlan): AsyncGenerator<ObjectDescription> {
    const { name: prefix } = splitUri(rawPath)
    for await (const object of listObjects(storage, rawPath)) {
      const nested = nestedBatchFolder(object.name.slice(prefix.length))
      if (nested === undefined) yield object
      else {
        throw failure(
          'InvalidInput',
          `${rawPath} holds the folder ${JSON.stringify(nested)}, which has the name of a batch's own. Start a run for each batch, or rename the folder.`,
        )
      }
    }
  }

  /** All manifests of the batch, that of each reload too. */
  async function manifestsOf(plan: ConfirmedPlan): Promise<readonly Manifest[]> {
    const { bucket } = splitUri(plan.manifestUri)
    const folder = plan.manifestUri.slice(0, plan.manifestUri.lastIndexOf('/') + 1)
    const manifests: Manifest[] = []
    for await (const { name } of listObjects(storage, folder)) {
      // A batch that lies below this one has its manifests in a folder.
      if (`gs://${bucket}/${name}`.includes('/', folder.length)) continue
      const manifest = await readManifest(storage, { ...plan, manifestUri: `gs://${bucket}/${name}` })
      if (manifest !== undefined) manifests.push(manifest)
    }
    return manifests
  }

  /** Moves the batch's files in a folder back to the raw path, but for those whose name is taken there. */
  async function moveBack({ plan, folders }: OwnBatch, from: OwnFolder): Promise<void> {
    const { raw } = folders
    const { done } = await entriesOf(storage, from.uri).next()
    if (done === true) return
    async function* returning(): AsyncGenerator<Entry> {
      const lists = [entriesOf(storage, from.uri), entriesOf(storage, raw.uri)]
      const manifests = (await manifestsOf(plan)).map((manifest) => manifest.entries())
      for await (const { name, objects } of sideBySide([...lists, ...manifests])) {
        const [object, present, ...described] = objects
        // What no manifest lists was put there by somebody else.
        if (object === undefined || described.every((one) => one === undefined)) continue
        if (present === undefined || sameBytes(present, object)) yield { name, object }
      }
    }
    await moveObjects(storage, { from, to: raw }, returning())
  }
}
