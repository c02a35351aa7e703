import pMap from 'p-map'
import type { Attempt } from '../workflows/run-types.ts'
import type { ActivityClients } from './context.ts'
import { attempting, isNotFound } from './failures.ts'
import { heartbeating } from './long-running.ts'
import { splitUri } from './objects.ts'

/** Activities on what an attempt leaves behind in Cloud Storage. */
export function temporaryFileActivities({ storage }: ActivityClients) {
  return {
    /**
     * Deletes everything under the attempt's own output folder, and the placeholders that Hadoop makes for that folder
     * and for the one above it.
     */
    async deleteTemporaryFiles(attempt: Attempt): Promise<void> {
      await attempting(`delete ${attempt.outputPath}`, () =>
        heartbeating(async () => {
          const { bucket, name: prefix } = splitUri(attempt.outputPath)
          const [files] = await storage
            .bucket(bucket)
            .getFiles({ prefix, fields: 'items(name),nextPageToken' })
          const parent = prefix.slice(0, prefix.lastIndexOf('/', prefix.length - 2) + 1)
          const names = [...files.map(({ name }) => name), parent]
          await pMap(names, (name) => deleteIfPresent(bucket, name), { concurrency: 32 })
        }),
      )
    },
  }

  async function deleteIfPresent(bucket: string, name: string): Promise<void> {
    try {
      await storage.bucket(bucket).file(name).delete()
    } catch (error) {
      if (!isNotFound(error)) throw error
    }
  }
}
