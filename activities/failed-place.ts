import { createHash } from 'node:crypto'
import type { Storage } from '@google-cloud/storage'
import { ApplicationFailure } from '@temporalio/activity'
import { type Static, Type } from 'typebox'
import type { Label } from './batch-notes.ts'
import { writeObject } from './objects.ts'
import { readNote } from './storage/notes.ts'
import type { OwnBatch, OwnFolder } from './storage/own-folder.ts'

/** What the run was asked for. The place follows from it and from the batch. */
const FailedPlace = Type.Object({
  reload: Type.Optional(Type.String({ pattern: '^[a-z0-9-]{1,40}$' })),
  failedPath: Type.Optional(Type.String()),
})

const NAME = /^failed-[0-9a-f]{16}\.json$/

/** A folder to which a run has moved the batch's files, since they were bad. */
export interface FailedPlace {
  readonly label: Label
  /** Absent when the deployment does not let callers use the folder any more. */
  readonly folder?: OwnFolder
  /** As the caller has named it. */
  readonly failedPath?: string
}

/** Notes that files of the batch are about to be moved to where this run puts bad ones. */
export async function noteFailedPlace(storage: Storage, { plan, folders }: OwnBatch): Promise<void> {
  const { reload, failedPath } = plan.input
  const place: Static<typeof FailedPlace> = {
    ...(reload !== undefined && { reload }),
    ...(failedPath !== undefined && { failedPath }),
  }
  const mark = createHash('sha256').update(folders.failed.uri).digest('hex').slice(0, 16)
  await writeObject(storage, `${folders.notes.uri}failed-${mark}.json`, JSON.stringify(place), 0)
}

/**
 * The folders to which runs of the batch have moved files, and to which this run would.
 * @param names of the batch's notes
 */
export async function readFailedPlaces(
  storage: Storage,
  batch: OwnBatch,
  names: readonly string[],
): Promise<readonly FailedPlace[]> {
  const { plan, folders } = batch
  const places: FailedPlace[] = [{ label: plan.reload, folder: folders.failed }]
  for (const name of names.filter((one) => NAME.test(one))) {
    const note = await readNote(storage, `${folders.notes.uri}${name}`, FailedPlace)
    if (note === undefined) continue
    const { reload: label, failedPath } = note.value
    const folder = folderOf(batch, note.value)
    if (places.some((place) => place.folder !== undefined && place.folder.uri === folder?.uri)) continue
    places.push({ label, ...(folder && { folder }), ...(failedPath !== undefined && { failedPath }) })
  }
  return places
}

function folderOf({ folders }: OwnBatch, place: Static<typeof FailedPlace>): OwnFolder | undefined {
  try {
    return folders.as(place).folders.failed
  } catch (error) {
    if (error instanceof ApplicationFailure && error.type === 'InvalidInput') return undefined
    throw error
  }
}
