import type { Storage } from '@google-cloud/storage'
import { splitUri } from '../../activities/objects.ts'

/** Writes an object. @param uri `gs://bucket/name` */
export async function putObject(storage: Storage, uri: string, content: string | Buffer): Promise<void> {
  const { bucket, name } = splitUri(uri)
  await storage.bucket(bucket).file(name).save(content, { resumable: false })
}

/** Deletes an object. */
export async function removeObject(storage: Storage, uri: string): Promise<void> {
  const { bucket, name } = splitUri(uri)
  await storage.bucket(bucket).file(name).delete()
}

/** Content by the rest of the name of all that lies under a folder; looks again when something goes away meanwhile. */
export async function contents(storage: Storage, folder: string): Promise<Record<string, string>> {
  for (;;) {
    try {
      return await contentsNow(storage, folder)
    } catch (error) {
      if ((error as { readonly code?: number }).code !== 404) throw error
    }
  }
}

async function contentsNow(storage: Storage, folder: string): Promise<Record<string, string>> {
  const { bucket, name: prefix } = splitUri(folder)
  const [files] = await storage.bucket(bucket).getFiles({ prefix })
  const entries = files.map(
    async (file) => [file.name.slice(prefix.length), String((await file.download())[0])] as const,
  )
  return Object.fromEntries(await Promise.all(entries))
}
