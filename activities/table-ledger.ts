import { isDeepStrictEqual } from 'node:util'
import type { Storage } from '@google-cloud/storage'
import { type Static, Type } from 'typebox'
import { LoadId, LoadJobId } from './load-jobs.ts'
import { writeObject } from './objects.ts'
import { readNote } from './storage/notes.ts'
import type { OwnFolder } from './storage/own-folder.ts'

const TableBatch = Type.Object({
  rawPath: Type.String(),
  /** `raw-<timestamp>`, by which batches of one folder are older or newer. */
  batchName: Type.String(),
  /** Common beginning of the ids of its load jobs. */
  loadId: LoadId,
})
/** A batch that a table holds. */
export type TableBatch = Static<typeof TableBatch>

const HeldBatch = Type.Object({ ...TableBatch.properties, replaced: Type.Optional(Type.String()) })
/** A batch that a table holds, and the raw path of the one that it has replaced. */
export type HeldBatch = Static<typeof HeldBatch>

const AnnouncedLoad = Type.Object({ ...TableBatch.properties, jobId: LoadJobId })
/** A batch that is about to replace a table, and the id of the only job that may do it. */
export type AnnouncedLoad = Static<typeof AnnouncedLoad>

const TableState = Type.Object({
  /** The batch whose load is known to be committed. */
  holds: Type.Optional(HeldBatch),
  /** The load that was about to be asked for. */
  loading: Type.Optional(AnnouncedLoad),
})
/**
 * Which batch a table holds that is replaced as a whole by each load. Written before a load and after it, so that a load
 * whose run died in between can be looked up.
 */
export type TableState = Static<typeof TableState>

/** Reads what is noted. @throws NoteUnreadable */
export async function readTableState(
  storage: Storage,
  table: OwnFolder,
): Promise<TableState & { readonly generation: string | 0 }> {
  const stored = await readNote(storage, uriOf(table), TableState)
  return stored === undefined ? { generation: 0 } : { ...stored.value, generation: stored.generation }
}

/**
 * Notes the next state.
 * @returns false when the state that it follows is no more
 */
export async function writeTableState(
  storage: Storage,
  table: OwnFolder,
  state: TableState,
  generation: string | 0,
): Promise<boolean> {
  const uri = uriOf(table)
  if (await writeObject(storage, uri, JSON.stringify(state), generation)) return true
  // Perhaps it was this very write, whose first reply was lost.
  const { value } = (await readNote(storage, uri, TableState)) ?? {}
  return isDeepStrictEqual(value, state)
}

function uriOf(table: OwnFolder): string {
  return `${table.uri}state.json`
}
