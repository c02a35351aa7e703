import type { Storage } from '@google-cloud/storage'
import { invalidArgument } from './errors.ts'
import { splitUri, storageClient } from './storage-client.ts'

/** The service's own way to Cloud Storage: staging buckets, driver output, diagnoses. */
export class ServiceStorage {
  readonly #storage: Storage
  readonly #made = new Map<string, Promise<void>>()

  /** @param endpoint base URL of a Cloud Storage stand-in, where the service may do everything */
  constructor(endpoint: string) {
    this.#storage = storageClient(endpoint)
  }

  /** @throws StatusError INVALID_ARGUMENT when the bucket is not there */
  async requireBucket(name: string): Promise<void> {
    const [exists] = await this.#storage.bucket(name).exists()
    if (!exists) throw invalidArgument(`Google Cloud Storage bucket does not exist '${name}'.`)
  }

  /** Makes a bucket of the service in the background; a write waits for it, and tries again if this failed. */
  makeBucketSoon(project: string, name: string): void {
    this.#makeBucket(project, name).catch(() => {})
  }

  /** Writes an object, replacing what was there; makes the bucket first if need be. */
  async write(project: string, uri: string, content: string | Buffer): Promise<void> {
    const { bucket, name } = splitUri(uri)
    await this.#makeBucket(project, bucket)
    await this.#storage
      .bucket(bucket)
      .file(name)
      .save(content, { resumable: false, contentType: 'text/plain' })
  }

  #makeBucket(project: string, name: string): Promise<void> {
    const made = this.#made.get(name) ?? this.#createIfAbsent(project, name)
    this.#made.set(name, made)
    made.catch(() => this.#made.delete(name))
    return made
  }

  async #createIfAbsent(project: string, name: string): Promise<void> {
    const [exists] = await this.#storage.bucket(name).exists()
    if (exists) return
    try {
      await this.#storage.createBucket(name, { projectId: project })
    } catch (error) {
      // Somebody else made it in between.
      if (!(error instanceof Error && 'code' in error && error.code === 409)) throw error
    }
  }
}
