import { Storage } from '@google-cloud/storage'
import { OAuth2Client } from 'google-auth-library'
import { invalidArgument } from './errors.ts'

/** The service's own way to Cloud Storage: staging buckets, driver output, diagnoses. */
export class ServiceStorage {
  readonly #storage: Storage
  readonly #made = new Map<string, Promise<void>>()

  /** @param endpoint base URL of a Cloud Storage stand-in */
  constructor(endpoint: string) {
    const authClient = new OAuth2Client()
    // Any token will do; with one that never expires the client does not go looking for another.
    authClient.setCredentials({ access_token: 'stand-in', expiry_date: Number.MAX_SAFE_INTEGER })
    this.#storage = new Storage({ projectId: 'dataproc-service', apiEndpoint: endpoint, authClient })
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

/** Bucket and object name of a `gs://` URI. */
export function splitUri(uri: string): { readonly bucket: string; readonly name: string } {
  const match = /^gs:\/\/([^/]+)\/?(.*)$/s.exec(uri)
  if (match === null) throw new Error(`'${uri}' is not a gs:// URI.`)
  return { bucket: match[1] ?? '', name: match[2] ?? '' }
}
