import { nestedBatchFolder } from '../workflows/paths.ts'
import type { RunPlan } from '../workflows/plan.ts'
import type { Batch } from '../workflows/run-types.ts'
import { createBatchClaim } from './batch-claim.ts'
import { createBatchLoads } from './batch-loads.ts'
import { placesOf } from './batch-places.ts'
import type { ActivityClients, ActivitySettings } from './context.ts'
import { bringBack, bringBackAll, checkAllThere } from './described-files.ts'
import { attempting, failure } from './failures.ts'
import { heartbeating } from './long-running.ts'
import { type Manifest, readManifest, summarise, writeManifestOnce } from './manifests.ts'
import { entriesOf, type ObjectDescription, splitUri } from './objects.ts'
import { checkRawFile } from './raw-file-names.ts'
import type { OwnBatch } from './storage/own-folder.ts'

/** Activities on a batch's files before Spark reads them. */
export function rawFileActivities(clients: ActivityClients, settings: ActivitySettings) {
  const { storage } = clients
  const claim = createBatchClaim(clients, settings.defaults)
  const loads = createBatchLoads(clients, settings)
  return {
    /**
     * Describes the batch once and for ever (P8), and has its files lie in the raw path, wherever its runs have moved them
     * (P13): to the failed path, or with a reload to an archive. Once the batch is loaded, they stay where they are, since
     * they need only be archived. A batch described before keeps its manifest: its files are only looked for.
     * @returns the batch as it is described for this run or, once that is loaded, for the load that stands for it
     * @throws BatchInProgress, RawFilesMissing, RawFilesChanged, InvalidInput, LoadUnknown, NoteUnreadable
     */
    async describeRawFiles(given: RunPlan): Promise<Batch> {
      return attempting(`describe ${given.rawPath}`, () =>
        heartbeating(async () => {
          const { batch, isPastLoad } = await loads.find(await claim.hold(given))
          const known = await readManifest(storage, batch.plan)
          return isPastLoad && known !== undefined
            ? describeLoaded(batch, known)
            : describeToLoad(batch, known)
        }),
      )
    },
  }

  async function describeLoaded(batch: OwnBatch, manifest: Manifest): Promise<Batch> {
    const { plan, folders } = batch
    const places = await placesOf(storage, batch)
    await checkAllThere(storage, plan, manifest, [folders.raw, ...places.all], places)
    return summarise(manifest, plan)
  }

  async function describeToLoad(batch: OwnBatch, known: Manifest | undefined): Promise<Batch> {
    const { plan, folders } = batch
    const places = await placesOf(storage, batch)
    if (known !== undefined) {
      for (const place of places.all) await bringBack(storage, folders.raw, known, place)
      await checkAllThere(storage, plan, known, [folders.raw], places)
      return summarise(known, plan)
    }
    for (const place of places.all) await bringBackAll(storage, batch, place)
    const described = await writeManifestOnce(storage, plan, rawObjects(batch))
    if (described !== undefined) return summarise(described, plan)
    throw failure(
      'RawFilesMissing',
      `There are no files under ${plan.rawPath}. Check the path, or wait until the export has ended.`,
    )
  }

  /** What lies under the raw path, if Spark can read it. A folder among it that is another batch's would go with this one. */
  async function* rawObjects(batch: OwnBatch): AsyncGenerator<ObjectDescription> {
    const { rawPath } = batch.plan
    const rules = {
      isReleaseScript: settings.spark.release !== undefined,
      longestFolder: longestFolderOf(batch),
    }
    for await (const { name, object } of entriesOf(storage, rawPath)) {
      const nested = nestedBatchFolder(name)
      if (nested !== undefined) {
        throw failure(
          'InvalidInput',
          `${rawPath} holds the folder ${JSON.stringify(nested)}, which has the name of a batch's own. Start a run for each batch, or rename the folder.`,
        )
      }
      checkRawFile(`${rawPath}${name}`, name, object, rules)
      yield object
    }
  }
}

/** By what a file must be moved to in the end: an archive, or the failed path, of a reload with the longest label. */
function longestFolderOf({ folders }: OwnBatch): number {
  const label = 'x'.repeat(40)
  const archive = splitUri(folders.archive('0000-00-00', label).uri).name
  const failed = `${splitUri(folders.failed.uri).name}reload=${label}/`
  return Math.max(Buffer.byteLength(archive), Buffer.byteLength(failed))
}
