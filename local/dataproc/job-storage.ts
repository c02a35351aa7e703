import type { Storage } from '@google-cloud/storage'
import { splitUri, storageClient } from './storage-client.ts'

/** A job's way to Cloud Storage where there is no Spark: what it may do is what its cluster may. */
export class JobStorage {
  readonly #storage: Storage

  /** @param endpoint base URL of a Cloud Storage stand-in, where the clusters' account comes in */
  constructor(endpoint: string) {
    this.#storage = storageClient(endpoint)
  }

  /** Writes an object, replacing what was there. */
  async write(uri: string, content: string): Promise<void> {
    const { bucket, name } = splitUri(uri)
    await this.#storage
      .bucket(bucket)
      .file(name)
      .save(content, { resumable: false, contentType: 'text/plain' })
  }

  /** The bytes of an object. */
  async read(uri: string): Promise<Buffer> {
    const { bucket, name } = splitUri(uri)
    const [content] = await this.#storage.bucket(bucket).file(name).download()
    return content
  }

  /** Names of the objects under a prefix. */
  async list(uri: string): Promise<string[]> {
    const { bucket, name } = splitUri(uri)
    const [files] = await this.#storage.bucket(bucket).getFiles({ prefix: name })
    return files.map((file) => `gs://${bucket}/${file.name}`)
  }
}
