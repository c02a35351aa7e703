import type { Storage } from '@google-cloud/storage'
import pMap from 'p-map'
import type { Attempt } from '../workflows/run-types.ts'
import type { ActivityClients, ActivitySettings } from './context.ts'
import { attempting } from './failures.ts'
import { heartbeating } from './long-running.ts'
import { deleteIfPresent, splitUri } from './objects.ts'
import { outputNotes } from './output-notes.ts'

/** Activities on what an attempt leaves behind in Cloud Storage. */
export function temporaryFileActivities({ storage }: ActivityClients, settings: ActivitySettings) {
  const notes = outputNotes(storage, settings)
  return {
    /** Deletes the attempt's own output. See {@link deleteOutput}. */
    async deleteTemporaryFiles(attempt: Attempt): Promise<void> {
      await attempting(`delete ${attempt.outputPath}`, () =>
        heartbeating(async () => {
          await deleteOutput(storage, attempt.outputPath)
          await notes.remove(attempt.key)
        }),
      )
    },
  }
}

/**
 * Deletes everything under an attempt's output folder, and the placeholders that Hadoop makes for that folder and for the
 * one above it. `_SUCCESS` goes first, so that an output of which a part is left does not pass for a whole one.
 * @param outputPath `gs://…/transformed-<timestamp>/<key>/`
 */
export async function deleteOutput(storage: Storage, outputPath: string): Promise<void> {
  const { bucket, name: prefix } = splitUri(outputPath)
  const remove = (name: string): Promise<void> => deleteIfPresent(storage, `gs://${bucket}/${name}`)
  const [files] = await storage.bucket(bucket).getFiles({ prefix, fields: 'items(name),nextPageToken' })
  const parent = prefix.slice(0, prefix.lastIndexOf('/', prefix.length - 2) + 1)
  const names = files.map(({ name }) => name)
  if (names.length > 0) await remove(`${prefix}_SUCCESS`)
  await pMap([...names, parent], remove, { concurrency: 32 })
}
