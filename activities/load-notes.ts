import { isDeepStrictEqual } from 'node:util'
import type { Storage } from '@google-cloud/storage'
import { type Static, Type } from 'typebox'
import { type Label, noteUri } from './batch-notes.ts'
import { passingFailure } from './failures.ts'
import type { KnownLoad } from './known-load.ts'
import { LoadId } from './load-jobs.ts'
import { writeObject } from './objects.ts'
import { type Note, readNote } from './storage/notes.ts'
import type { OwnBatch, OwnFolder } from './storage/own-folder.ts'

const at = Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}T[\\d:.]+Z$' })
const asked = {
  /** When it was first asked for. */
  at,
  outputTable: Type.String({ minLength: 1 }),
  writeDisposition: Type.Union([Type.Literal('WRITE_TRUNCATE'), Type.Literal('WRITE_APPEND')]),
  /** Common beginning of the ids of the load jobs, by which BigQuery is asked what came of them. */
  loadId: LoadId,
}
const count = Type.Integer({ minimum: 0 })

/** A load was about to be asked for. BigQuery knows whether it has committed. */
const Asked = Type.Object({ state: Type.Literal('asked'), ...asked })
/** A load has committed. This counts for ever; BigQuery forgets its jobs. */
const Loaded = Type.Object({
  state: Type.Literal('loaded'),
  ...asked,
  jobId: Type.String({ minLength: 1 }),
  rows: count,
  /** What Spark had written. */
  rowsWritten: count,
})
/** Spark has found no rows, so that there is nothing to load. */
const Empty = Type.Object({ state: Type.Literal('empty'), at })

const LoadNote = Type.Union([Asked, Loaded, Empty])
/** What is noted beside a batch of how its rows have got, or are getting, into a table; one for each description. */
export type LoadNote = Static<typeof LoadNote>

/** Reads the note of a description. @throws NoteUnreadable */
export function readLoadNote(
  storage: Storage,
  notes: OwnFolder,
  label: Label,
): Promise<Note<LoadNote> | undefined> {
  return readNote(storage, noteUri(notes, 'load', label), LoadNote)
}

/** The load in a note that says that it has committed. */
export function loadIn(note: Static<typeof Loaded>): KnownLoad {
  const { jobId, rows, rowsWritten, outputTable, writeDisposition } = note
  return { jobId, rows, rowsWritten, outputTable, writeDisposition }
}

/** A batch, and what its writer has seen noted of its load. */
interface Seen {
  readonly batch: OwnBatch
  readonly note: Note<LoadNote> | undefined
}

/** Notes that a load is about to be asked for. Only the holder of the batch's claim calls this, and the two below. */
export async function noteAsked(storage: Storage, seen: Seen, loadId: string): Promise<void> {
  const { outputTable, writeDisposition } = seen.batch.plan
  const known = seen.note?.value
  const told = { state: 'asked', outputTable, writeDisposition, loadId } as const
  if (known !== undefined && isDeepStrictEqual({ ...told, at: known.at }, known)) return
  await write(storage, seen, { ...told, at: new Date().toISOString() })
}

/** Notes that a load has committed; does nothing when the batch's end is noted already. */
export async function noteLoaded(storage: Storage, batch: OwnBatch, load: KnownLoad): Promise<void> {
  const { jobId = '', rows, rowsWritten, outputTable, writeDisposition } = load
  const { plan, folders } = batch
  const note = await readLoadNote(storage, folders.notes, plan.reload)
  if (note !== undefined && note.value.state !== 'asked') return
  await write(
    storage,
    { batch, note },
    {
      state: 'loaded',
      at: note?.value.at ?? new Date().toISOString(),
      outputTable,
      writeDisposition,
      loadId: jobId.replace(/_\d+$/, ''),
      jobId,
      rows,
      rowsWritten,
    },
  )
}

/** Notes that the batch has no rows. */
export async function noteEmpty(storage: Storage, seen: Seen): Promise<void> {
  await write(storage, seen, { state: 'empty', at: new Date().toISOString() })
}

/**
 * Writes over what was seen.
 * @throws StorageConflict when somebody has written since; another try sees what, this very write with a lost reply too
 */
async function write(
  storage: Storage,
  { batch: { plan, folders }, note }: Seen,
  next: LoadNote,
): Promise<void> {
  const uri = noteUri(folders.notes, 'load', plan.reload)
  if (await writeObject(storage, uri, JSON.stringify(next), note?.generation ?? 0)) return
  throw passingFailure('StorageConflict', `${uri} has changed while it was being written.`)
}
