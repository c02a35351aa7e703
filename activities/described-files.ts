import type { Storage } from '@google-cloud/storage'
import type { RunPlan } from '../workflows/plan.ts'
import { describedLabels } from './batch-notes.ts'
import type { BatchPlaces } from './batch-places.ts'
import { failure } from './failures.ts'
import { type Manifest, readManifest } from './manifests.ts'
import { moveObjects } from './moves.ts'
import { type Entry, entriesOf, type ObjectDescription, sameBytes } from './objects.ts'
import { type Row, sideBySide } from './sorted-objects.ts'
import type { OwnBatch, OwnFolder } from './storage/own-folder.ts'

/** Goes through the files that a manifest describes and what lies in some folders, side by side: the described one comes first. */
function besideManifest(
  storage: Storage,
  manifest: Manifest,
  folders: readonly OwnFolder[],
): AsyncGenerator<Row> {
  return sideBySide([manifest.entries(), ...folders.map(({ uri }) => entriesOf(storage, uri))])
}

/** Where else the files of a batch may lie, for those who look for one that is missing. */
type Elsewhere = Pick<BatchPlaces, 'all' | 'closed'>

/**
 * Every described file must be in one of the folders, with its bytes. A newer one of its name may lie in another of them.
 * @param folders such as the raw path and the processed path
 * @param elsewhere where a file may lie with other bytes, so that it has changed rather than vanished
 * @returns how many files were described, and their bytes
 * @throws RawFilesMissing, RawFilesChanged
 */
export async function checkAllThere(
  storage: Storage,
  plan: RunPlan,
  manifest: Manifest,
  folders: readonly OwnFolder[],
  elsewhere: Elsewhere = { all: [], closed: [] },
): Promise<{ readonly files: number; readonly bytes: number }> {
  const others = elsewhere.all.filter((one) => !folders.some(({ uri }) => uri === one.uri))
  let [files, bytes] = [0, 0]
  for await (const { name, objects } of besideManifest(storage, manifest, [...folders, ...others])) {
    const [described, ...candidates] = objects
    if (described === undefined) continue
    const isIt = (candidate: ObjectDescription | undefined): boolean =>
      candidate !== undefined && sameBytes(candidate, described)
    if (!candidates.slice(0, folders.length).some(isIt)) {
      const uri = `${plan.rawPath}${name}`
      throw candidates.every((one) => one === undefined)
        ? missing(uri, manifest, elsewhere.closed)
        : changed(uri, manifest)
    }
    files++
    bytes += described.size
  }
  return { files, bytes }
}

function missing(uri: string, manifest: Manifest, closed: readonly string[]): Error {
  const hint =
    closed.length === 0
      ? ''
      : ` It may be in ${closed.join(' or ')}, where a run has put bad files and which CALLER_FOLDERS does not allow any more.`
  return failure(
    'RawFilesMissing',
    `${uri} was described in ${manifest.uri} and is neither there, nor failed, nor archived.${hint} Put it back and retry the run.`,
  )
}

function changed(uri: string, manifest: Manifest): Error {
  return failure(
    'RawFilesChanged',
    `${uri} has changed since it was described in ${manifest.uri}. To process the batch as it is now, start a run with "reload" set to a label of your choice.`,
  )
}

/**
 * Moves the described files from a folder to where they belong once they are loaded.
 * @param archives the newest description's first; a file of which one holds a copy goes there
 * @param home where all others go, one of the archives
 * @returns how many files it has left in place: those that were not described, or have changed since
 */
export async function moveDescribed(
  storage: Storage,
  from: OwnFolder,
  manifest: Manifest,
  archives: readonly OwnFolder[],
  home: OwnFolder,
): Promise<number> {
  let left = 0
  for (const target of archives) {
    left = 0
    async function* described(): AsyncGenerator<Entry> {
      for await (const { name, objects } of besideManifest(storage, manifest, [from, ...archives])) {
        const [known, object, ...copies] = objects
        if (object === undefined) continue
        const isDescribed = known !== undefined && sameBytes(object, known)
        const held = copies.findIndex((copy) => copy !== undefined && sameBytes(copy, object))
        if (!isDescribed) left++
        else if ((archives[held] ?? home).uri === target.uri) yield { name, object }
      }
    }
    await moveObjects(storage, { from, to: target }, described())
  }
  return left
}

/** The first of the archives that holds a described file; nothing when none does. */
export async function firstHolding(
  storage: Storage,
  manifest: Manifest,
  archives: readonly OwnFolder[],
): Promise<OwnFolder | undefined> {
  if (archives.length === 0) return undefined
  let best = archives.length
  for await (const { objects } of besideManifest(storage, manifest, archives)) {
    const [known, ...copies] = objects
    if (known === undefined) continue
    const held = copies.findIndex((copy) => copy !== undefined && sameBytes(copy, known))
    if (held >= 0) best = Math.min(best, held)
    if (best === 0) break
  }
  return archives[best]
}

/** Moves the described files in a folder back to the raw path, but for those whose name is taken there by other bytes. */
export async function bringBack(
  storage: Storage,
  raw: OwnFolder,
  manifest: Manifest,
  from: OwnFolder,
): Promise<void> {
  async function* returning(): AsyncGenerator<Entry> {
    for await (const { name, objects } of besideManifest(storage, manifest, [from, raw])) {
      const [known, object, present] = objects
      if (known === undefined || object === undefined || !sameBytes(object, known)) continue
      if (present === undefined || sameBytes(present, object)) yield { name, object }
    }
  }
  if (!(await isEmpty(storage, from))) await moveObjects(storage, { from, to: raw }, returning())
}

/**
 * The same for whatever has the name of a file that any description of the batch lists, so that it can be described anew: a
 * file that was fixed in the failed path, too. What no manifest lists was put there by somebody else.
 */
export async function bringBackAll(
  storage: Storage,
  { plan, folders }: OwnBatch,
  from: OwnFolder,
): Promise<void> {
  const { raw } = folders
  async function* returning(): AsyncGenerator<Entry> {
    const lists = [from, raw].map(({ uri }) => entriesOf(storage, uri))
    const manifests: AsyncGenerator<Entry>[] = []
    for (const reload of await describedLabels(storage, plan.manifestUri)) {
      const manifest = await readManifest(storage, folders.as({ ...plan.input, reload }).plan)
      if (manifest !== undefined) manifests.push(manifest.entries())
    }
    for await (const { name, objects } of sideBySide([...lists, ...manifests])) {
      const [object, present, ...described] = objects
      if (object === undefined || described.every((one) => one === undefined)) continue
      if (present === undefined || sameBytes(present, object)) yield { name, object }
    }
  }
  if (!(await isEmpty(storage, from))) await moveObjects(storage, { from, to: raw }, returning())
}

async function isEmpty(storage: Storage, { uri }: OwnFolder): Promise<boolean> {
  return (await entriesOf(storage, uri).next()).done === true
}
