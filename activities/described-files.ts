import type { Storage } from '@google-cloud/storage'
import type { RunPlan } from '../workflows/plan.ts'
import { failure } from './failures.ts'
import type { Manifest } from './manifests.ts'
import { type Move, moveObjects } from './moves.ts'
import { sameBytes, splitUri } from './objects.ts'
import { type Entry, entriesOf, sideBySide } from './sorted-objects.ts'

/** The files that a manifest describes, by their names below the raw path. */
async function* entriesIn(manifest: Manifest, { rawPath }: RunPlan): AsyncGenerator<Entry> {
  const { name: prefix } = splitUri(rawPath)
  for await (const object of manifest.objects()) yield { name: object.name.slice(prefix.length), object }
}

/**
 * Every described file must be in one of the folders, with its bytes. A newer one of its name may lie in another of them.
 * @param folders such as the raw path and the processed path, `gs://…/`
 * @returns how many files were described, and their bytes
 * @throws RawFilesMissing, RawFilesChanged
 */
export async function checkAllThere(
  storage: Storage,
  plan: RunPlan,
  manifest: Manifest,
  folders: readonly string[],
): Promise<{ readonly files: number; readonly bytes: number }> {
  let [files, bytes] = [0, 0]
  const lists = [entriesIn(manifest, plan), ...folders.map((folder) => entriesOf(storage, folder))]
  for await (const {
    name,
    objects: [described, ...candidates],
  } of sideBySide(lists)) {
    if (described === undefined) continue
    const found = candidates.filter((candidate) => candidate !== undefined)
    const uri = `${plan.rawPath}${name}`
    if (found.length === 0) {
      throw failure(
        'RawFilesMissing',
        `${uri} was described in ${plan.manifestUri} and is neither there, nor failed, nor archived. Put it back and retry the run.`,
      )
    }
    if (!found.some((candidate) => sameBytes(candidate, described))) {
      throw failure(
        'RawFilesChanged',
        `${uri} has changed since it was described in ${plan.manifestUri}. To process the batch as it is now, start a run with "reload" set to a label of your choice.`,
      )
    }
    files++
    bytes += described.size
  }
  return { files, bytes }
}

/**
 * Moves the described files from the raw path to another folder.
 * @returns how many files it has left in place: those that were not described, or have changed since
 */
export async function moveDescribed(
  storage: Storage,
  plan: RunPlan,
  manifest: Manifest,
  target: string,
): Promise<number> {
  let left = 0
  async function* moves(): AsyncGenerator<Move> {
    const lists = [entriesIn(manifest, plan), entriesOf(storage, plan.rawPath)]
    for await (const {
      name,
      objects: [described, object],
    } of sideBySide(lists)) {
      if (object === undefined) continue
      if (described !== undefined && sameBytes(object, described))
        yield { from: `${plan.rawPath}${name}`, to: `${target}${name}`, object }
      else left++
    }
  }
  await moveObjects(storage, moves())
  return left
}
