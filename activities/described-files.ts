import type { Storage } from '@google-cloud/storage'
import type { RunPlan } from '../workflows/plan.ts'
import { failure } from './failures.ts'
import type { Manifest } from './manifests.ts'
import { type Move, moveObjects } from './moves.ts'
import { entriesBelow, entriesOf, sameBytes } from './objects.ts'
import { type Row, sideBySide } from './sorted-objects.ts'

/** Goes through the files that a manifest describes and what lies in some folders, side by side: the described one comes first. */
function besideManifest(
  storage: Storage,
  { rawPath }: RunPlan,
  manifest: Manifest,
  folders: readonly string[],
): AsyncGenerator<Row> {
  return sideBySide([
    entriesBelow(rawPath, manifest.objects()),
    ...folders.map((folder) => entriesOf(storage, folder)),
  ])
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
  for await (const { name, objects } of besideManifest(storage, plan, manifest, folders)) {
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
  plan: RunPlan,
  manifest: Manifest,
  target: string,
): Promise<number> {
  let left = 0
  async function* moves(): AsyncGenerator<Move> {
    for await (const { name, objects } of besideManifest(storage, plan, manifest, [plan.rawPath])) {
      const [described, object] = objects
      if (object === undefined) continue
      if (described !== undefined && sameBytes(object, described))
        yield { from: `${plan.rawPath}${name}`, to: `${target}${name}`, object }
      else left++
    }
  }
  await moveObjects(storage, moves())
  return left
}
