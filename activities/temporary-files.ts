import type { Storage } from '@google-cloud/storage'
import type { RunPlan } from '../workflows/plan.ts'
import type { Attempt } from '../workflows/run-types.ts'
import { createBatchClaim } from './batch-claim.ts'
import { confirmAttempt } from './confirmed-plan.ts'
import type { ActivityClients, ActivitySettings } from './context.ts'
import { attempting } from './failures.ts'
import { heartbeating } from './long-running.ts'
import { outputNotes } from './output-notes.ts'
import { workflowId } from './owner.ts'
import { deleteAllIn, deleteObject } from './storage/effects.ts'
import type { BatchFolders } from './storage/own-folder.ts'

/** Activities on what an attempt leaves behind in Cloud Storage. */
export function temporaryFileActivities(clients: ActivityClients, settings: ActivitySettings) {
  const { storage } = clients
  const claim = createBatchClaim(clients, settings.defaults)
  const notes = outputNotes(storage, settings)
  return {
    /**
     * Deletes the attempt's own output. See {@link deleteOutput}.
     * @throws BatchInProgress when the batch is another run's by now; the sweep then deletes the output
     */
    async deleteTemporaryFiles(given: RunPlan, attempt: Attempt): Promise<void> {
      await attempting(`delete ${attempt.outputPath}`, () =>
        heartbeating(async () => {
          const { plan, folders } = await claim.hold(given)
          const { key } = confirmAttempt(plan, attempt)
          await notes.requireOwn(key, workflowId(), plan.input)
          await deleteOutput(storage, folders, key)
          await notes.remove(key)
        }),
      )
    },
  }
}

/**
 * Deletes everything under an attempt's output folder, and the placeholders that Hadoop makes for that folder and for the
 * one above it. `_SUCCESS` goes first, so that an output of which a part is left does not pass for a whole one.
 * @param key the attempt's
 */
export async function deleteOutput(storage: Storage, folders: BatchFolders, key: string): Promise<void> {
  const output = folders.output(key)
  await deleteObject(storage, output, '_SUCCESS')
  await deleteAllIn(storage, output)
  await deleteObject(storage, folders.transformed, '')
}
