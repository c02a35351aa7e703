import type { Storage } from '@google-cloud/storage'
import type { RunPlan } from '../workflows/plan.ts'
import { failure } from './failures.ts'
import type { Manifest } from './manifests.ts'
import { moveObjects } from './moves.ts'
import { type Entry, entriesOf, sameBytes } from './objects.ts'
import { type Row, sideBySide } from './sorted-objects.ts'
import type { OwnFolder } from './storage/own-folder.ts'

/** Goes through the files that a manifest describes and what lies in some folders, side by side: the described one comes first. */
function besideManifest(
  storage: Storage,
  manifest: Manifest,
  folders: readonly OwnFolder[],
): AsyncGenerator<Row> {
  return sideBySide([manifest.entries(), ...folders.map(({ uri }) => entriesOf(storage, uri))])
}

/**
 * Every described file must be in one of the folders, with its bytes. A newer one of its name may lie in another of them.
 * @param folders such as the raw path and the processed path
 * @returns how many files were described, and their bytes
 * @throws RawFilesMissing, RawFilesChanged
 */
export async function checkAllThere(
  storage: Storage,
  plan: RunPlan,
  manifest: Manifest,
  folders: readonly OwnFolder[],
): Promise<{ readonly files: number; readonly bytes: number }> {
  let [files, bytes] = [0, 0]
  for await (const { name, objects } of besideManifest(storage, manifest, folders)) {
    const [described, ...candidates] = objects
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
  raw: OwnFolder,
  manifest: Manifest,
  target: OwnFolder,
): Promise<number> {
  let left = 0
  async function* described(): AsyncGenerator<Entry> {
    for await (const { name, objects } of besideManifest(storage, manifest, [raw])) {
      const [known, object] = objects
      if (object === undefined) continue
      if (known !== undefined && sameBytes(object, known)) yield { name, object }
      else left++
    }
  }
  await moveObjects(storage, { from: raw, to: target }, described())
  return left
}
