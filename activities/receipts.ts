import { createHash } from 'node:crypto'
import { type RunReceipt, workflowIdOf } from '../workflows/contract.ts'
import type { ActivityClients } from './context.ts'
import { attempting, passingFailure } from './failures.ts'
import { readObject, writeObject } from './objects.ts'

// Leaves room below Cloud Storage's 1,024 bytes for the folder of the batch.
const MAX_NAME = 120

/** Activities on the record that a run leaves beside the files that it has archived. */
export function receiptActivities({ storage }: Pick<ActivityClients, 'storage'>) {
  return {
    /**
     * Writes a run's receipt. Each run has an object of its own, so that one does not erase another's; a repeated try finds
     * what it has written.
     * @returns `gs://…/raw-<timestamp>.receipts/<run id>.json`
     */
    async writeReceipt(receipt: RunReceipt): Promise<string> {
      const uri = receiptUriOf(receipt)
      await attempting(`write the receipt ${uri}`, async () => {
        const text = `${JSON.stringify(receipt, undefined, 2)}\n`
        const written = await readObject(storage, uri)
        if (written?.text === text) return
        // What a reset run wrote before it was reset is replaced.
        if (await writeObject(storage, uri, text, written?.generation ?? 0)) return
        throw passingFailure('StorageConflict', `${uri} has changed while it was being written.`)
      })
      return uri
    },
  }
}

/** Beside the archived files and not among them, so that a receipt is never taken for one. */
function receiptUriOf({
  processedPath,
  runId,
  workflowId,
}: Pick<RunReceipt, 'processedPath' | 'runId' | 'workflowId'>): string {
  const safe = runId.replace(/[^A-Za-z0-9_.+=@~-]/g, '-').slice(0, MAX_NAME)
  // Whatever the name does not tell, a digest of the whole id does.
  const whole = safe === runId && workflowId === workflowIdOf(runId)
  const mark = whole ? '' : `-${createHash('sha256').update(workflowId).digest('hex').slice(0, 12)}`
  return `${processedPath.replace(/\/$/, '')}.receipts/${safe}${mark}.json`
}
