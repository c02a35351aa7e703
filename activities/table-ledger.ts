import type { Storage } from '@google-cloud/storage'
import type { RunPlan } from '../workflows/plan.ts'
import { readObject, splitUri, writeObject } from './objects.ts'

/** A batch that a table holds. */
export interface TableBatch {
  readonly rawPath: string
  /** `raw-<timestamp>`, by which batches of one folder are older or newer. */
  readonly batchName: string
  /** Common beginning of the ids of its load jobs. */
  readonly loadId: string
}

/** A batch that a table holds, and the raw path of the one that it has replaced. */
export interface HeldBatch extends TableBatch {
  readonly replaced?: string
}

/**
 * Which batch a table holds that is replaced as a whole by each load. Written before a load and after it, so that a load
 * whose run died in between can be looked up.
 */
export interface TableState {
  /** The batch whose load is known to be committed. */
  readonly holds?: HeldBatch
  /** The batch whose load was about to be asked for. */
  readonly loading?: TableBatch
}

/** The folder for what the pipeline notes about a table. */
export function tablePath(plan: RunPlan): string {
  return `gs://${splitUri(plan.processedRoot).bucket}/_average-speed/tables/${plan.outputTable}/`
}

/** Reads what is noted. */
export async function readTableState(
  storage: Storage,
  plan: RunPlan,
): Promise<TableState & { readonly generation: string | 0 }> {
  const stored = await readObject(storage, `${tablePath(plan)}state.json`)
  return stored === undefined
    ? { generation: 0 }
    : { ...(JSON.parse(stored.text) as TableState), generation: stored.generation }
}

/** Notes the next state. Only the holder of the table's claim calls this; the precondition says so once more. */
export async function writeTableState(
  storage: Storage,
  plan: RunPlan,
  state: TableState,
  generation: string | 0,
): Promise<void> {
  const uri = `${tablePath(plan)}state.json`
  const text = JSON.stringify(state)
  if (await writeObject(storage, uri, text, generation)) return
  // Perhaps it was this very write, whose first reply was lost.
  if ((await readObject(storage, uri))?.text !== text) {
    throw new Error(`Another run has written the state of ${plan.outputTable} at the same time.`)
  }
}
