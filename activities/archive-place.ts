import type { Storage } from '@google-cloud/storage'
import { Type } from 'typebox'
import { type Label, noteUri } from './batch-notes.ts'
import { writeObject } from './objects.ts'
import { readNote } from './storage/notes.ts'
import type { OwnBatch, OwnFolder } from './storage/own-folder.ts'

/** The day alone: the place follows from it and from the batch. */
const ArchivePlace = Type.Object({ processedDate: Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}$' }) })

/**
 * Where a description of the batch was archived, or began to be; nothing if it never was.
 * @param label of the description
 */
export async function readArchivePlace(
  storage: Storage,
  { folders }: OwnBatch,
  label: Label,
): Promise<OwnFolder | undefined> {
  const stored = await readNote(storage, noteUri(folders.notes, 'archive', label), ArchivePlace)
  return stored && folders.archive(stored.value.processedDate, label)
}

/** Settles where the batch is archived: in the folder of the day of the first try, which later tries keep. */
export async function settleArchivePlace(storage: Storage, batch: OwnBatch, now: Date): Promise<OwnFolder> {
  const { plan, folders } = batch
  const processedDate = now.toISOString().slice(0, 10)
  const uri = noteUri(folders.notes, 'archive', plan.reload)
  const first = await writeObject(storage, uri, JSON.stringify({ processedDate }), 0)
  const settled = first ? undefined : await readArchivePlace(storage, batch, plan.reload)
  return settled ?? folders.archive(processedDate, plan.reload)
}
