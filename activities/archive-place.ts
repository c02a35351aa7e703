import type { Storage } from '@google-cloud/storage'
import { Type } from 'typebox'
import type { OwnBatch } from './batch-claim.ts'
import { writeObject } from './objects.ts'
import { readNote } from './storage/notes.ts'
import type { OwnFolder } from './storage/own-folder.ts'

/** The day alone: the place follows from it and from the batch. */
const ArchivePlace = Type.Object({ processedDate: Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}$' }) })

/**
 * Where the batch was archived, or began to be; nothing if it never was.
 * @param reload of the archive that is looked for; nothing for the first one
 */
export async function readArchivePlace(
  storage: Storage,
  { folders }: OwnBatch,
  reload: string | undefined,
): Promise<OwnFolder | undefined> {
  const stored = await readNote(storage, uriOf(folders.notes, reload), ArchivePlace)
  return stored && folders.archive(stored.value.processedDate, reload)
}

/** Settles where the batch is archived: in the folder of the day of the first try, which later tries keep. */
export async function settleArchivePlace(storage: Storage, batch: OwnBatch, now: Date): Promise<OwnFolder> {
  const { plan, folders } = batch
  const processedDate = now.toISOString().slice(0, 10)
  const uri = uriOf(folders.notes, plan.reload)
  const first = await writeObject(storage, uri, JSON.stringify({ processedDate }), 0)
  const settled = first ? undefined : await readArchivePlace(storage, batch, plan.reload)
  return settled ?? folders.archive(processedDate, plan.reload)
}

function uriOf(notes: OwnFolder, reload: string | undefined): string {
  return `${notes.uri}archive${reload === undefined ? '' : `-${reload}`}.json`
}
