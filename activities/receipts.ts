import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { Type } from 'typebox'
import { type RunReceipt, workflowIdOf } from '../workflows/contract.ts'
import type { RunDefaults, RunPlan } from '../workflows/plan.ts'
import { placesOf } from './batch-places.ts'
import { confirmPlan } from './confirmed-plan.ts'
import type { ActivityClients } from './context.ts'
import { attempting, failure, passingFailure } from './failures.ts'
import { writeObject } from './objects.ts'
import { workflowId } from './owner.ts'
import { type Note, NoteError, readJson } from './storage/notes.ts'
import { batchFolders } from './storage/own-folder.ts'

// Leaves room below Cloud Storage's 1,024 bytes for the folder of the batch.
const MAX_NAME = 120

/** By what a receipt that is there already is known as the run's own. */
const Earlier = Type.Object({ workflowId: Type.String() })

/** Activities on the record that a run leaves beside the files that it has archived. */
export function receiptActivities({ storage }: Pick<ActivityClients, 'storage'>, defaults: RunDefaults) {
  return {
    /**
     * Writes a run's receipt. Each run has an object of its own, so that one does not erase another's; a repeated try finds
     * what it has written.
     * @returns `gs://…/raw-<timestamp>.receipts/<run id>.json`
     * @throws InvalidInput when the receipt is not of the batch's archive, StorageConflict when its place is taken
     */
    async writeReceipt(given: RunPlan, receipt: RunReceipt): Promise<string> {
      return attempting(`write the receipt of ${receipt.runId}`, async () => {
        const plan = confirmPlan(given, defaults)
        const owner = workflowId()
        const { archives } = await placesOf(storage, { plan, folders: batchFolders(plan, defaults) })
        const isArchived = archives.some(({ uri }) => uri === receipt.processedPath)
        if (!isArchived || owner !== receipt.workflowId)
          throw failure('InvalidInput', 'The receipt is not of this run and of where its batch is archived.')
        const uri = receiptUriOf(receipt)
        const earlier = await earlierReceipt(uri, owner)
        if (isDeepStrictEqual(earlier?.value, receipt)) return uri
        const text = `${JSON.stringify(receipt, undefined, 2)}\n`
        // What a reset run wrote before it was reset is replaced.
        if (await writeObject(storage, uri, text, earlier?.generation ?? 0)) return uri
        throw passingFailure('StorageConflict', `${uri} has changed while it was being written.`)
      })
    },
  }

  async function earlierReceipt(uri: string, owner: string): Promise<Note<unknown> | undefined> {
    try {
      const earlier = await readJson(storage, uri, Earlier)
      if (earlier === undefined || earlier.value.workflowId === owner) return earlier
    } catch (error) {
      if (!(error instanceof NoteError)) throw error
    }
    throw failure('StorageConflict', `${uri} is no receipt of this run, so it is left as it is.`)
  }
}

/** Beside the archived files and not among them, so that a receipt is never taken for one. */
function receiptUriOf({
  processedPath,
  runId,
  workflowId: id,
}: Pick<RunReceipt, 'processedPath' | 'runId' | 'workflowId'>): string {
  const safe = runId.replace(/[^A-Za-z0-9_.+=@~-]/g, '-').slice(0, MAX_NAME)
  // Whatever the name does not tell, a digest of the whole id does.
  const whole = safe === runId && id === workflowIdOf(runId)
  const mark = whole ? '' : `-${createHash('sha256').update(id).digest('hex').slice(0, 12)}`
  return `${processedPath.replace(/\/$/, '')}.receipts/${safe}${mark}.json`
}
