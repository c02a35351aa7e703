import { isDeepStrictEqual } from 'node:util'
import type { Storage } from '@google-cloud/storage'
import { type Static, Type } from 'typebox'
import { LoadId } from './load-jobs.ts'
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

const TableState = Type.Object({
  /** The batch whose load is known to be committed. */
  holds: Type.Optional(HeldBatch),
  /** The batch whose load was about to be asked for. */
  loading: Type.Optional(TableBatch),
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

/** Notes the next state. Only the holder of the table's claim calls this; the precondition says so once more. */
export async function writeTableState(
  storage: Storage,
  table: OwnFolder,
  state: TableState,
  generation: string | 0,
): Promise<void> {
  const uri = uriOf(table)
  if (await writeObject(storage, uri, JSON.stringify(state), generation)) return
  // Perhaps it was this very write, whose first reply was lost.
  const { value } = (await readNote(storage, uri, TableState)) ?? {}
  if (!isDeepStrictEqual(value, state)) {
    throw new Error(`Another run has written ${uri} at the same time.`)
  }
}

function uriOf(table: OwnFolder): string {
  return `${table.uri}state.json`
}
