import type { Storage } from '@google-cloud/storage'
import { readArchivePlace } from './archive-place.ts'
import { describedLabels, type Label, labelsOf, noteNames } from './batch-notes.ts'
import { readFailedPlaces } from './failed-place.ts'
import type { OwnBatch, OwnFolder } from './storage/own-folder.ts'

/** Where the files of a batch may lie beside its raw path, by what its runs have noted. Newest description first. */
export interface BatchPlaces {
  readonly failed: readonly OwnFolder[]
  readonly archives: readonly OwnFolder[]
  /** Both. What lies in an earlier one is what the batch was last described with. */
  readonly all: readonly OwnFolder[]
  /** Folders that hold bad files, as callers named them, that the deployment does not let callers use any more. */
  readonly closed: readonly string[]
}

interface Place {
  readonly label: Label
  readonly folder: OwnFolder
}

/** Where the batch may be now: the one answer for all of its runs, whatever their label. */
export async function placesOf(storage: Storage, batch: OwnBatch): Promise<BatchPlaces> {
  const names = await noteNames(storage, batch.folders.notes)
  const order = await describedLabels(storage, batch.plan.manifestUri)
  const rank = ({ label }: Place): number => (order.includes(label) ? order.indexOf(label) : order.length)
  const sorted = (places: readonly Place[]): readonly OwnFolder[] =>
    places.toSorted((a, b) => rank(a) - rank(b)).map(({ folder }) => folder)
  const failed: Place[] = []
  const closed: string[] = []
  for (const { label, folder, failedPath = '' } of await readFailedPlaces(storage, batch, names)) {
    if (folder === undefined) closed.push(failedPath)
    else failed.push({ label, folder })
  }
  const archives: Place[] = []
  for (const label of labelsOf('archive', names)) {
    const folder = await readArchivePlace(storage, batch, label)
    if (folder !== undefined) archives.push({ label, folder })
  }
  return {
    failed: sorted(failed),
    archives: sorted(archives),
    all: sorted([...failed, ...archives]),
    closed,
  }
}
