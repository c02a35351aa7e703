import { createReadStream, createWriteStream } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { createGunzip } from 'node:zlib'
import { BigQueryError } from './errors.ts'

/** An object in Cloud Storage. */
export interface StoredObject {
  readonly bucket: string
  readonly name: string
  /** Bytes as stored. */
  readonly size: number
}

/** `gs://bucket/name` of an object. */
export function uriOf({ bucket, name }: Pick<StoredObject, 'bucket' | 'name'>): string {
  return `gs://${bucket}/${name}`
}

/** Attempts for one request to Cloud Storage, and the first pause between two; it doubles. */
const ATTEMPTS = 4
const FIRST_PAUSE_MS = 50

/**
 * Cloud Storage as BigQuery reads and writes it. Server errors and dropped connections are tried again; what remains is
 * the job's error: `notFound`, `accessDenied`, or `backendError`.
 * @see https://cloud.google.com/storage/docs/json_api/v1
 */
export class ObjectStore {
  readonly #endpoint: string

  constructor(endpoint: string) {
    this.#endpoint = endpoint
  }

  /** The object, or nothing if it does not exist. */
  async find(bucket: string, name: string): Promise<StoredObject | undefined> {
    const response = await this.#request(`/storage/v1/b/${bucket}/o/${encodeURIComponent(name)}`, {
      bucket,
      name,
    })
    if (response === undefined) return undefined
    const { size } = (await response.json()) as { readonly size?: string }
    return { bucket, name, size: Number(size ?? 0) }
  }

  /** The objects whose names begin with a prefix, in the order of their names; none if there is no such bucket. */
  async list(bucket: string, prefix: string): Promise<StoredObject[]> {
    const found: StoredObject[] = []
    let pageToken: string | undefined
    do {
      const query = new URLSearchParams({ prefix, ...(pageToken !== undefined && { pageToken }) })
      const response = await this.#request(`/storage/v1/b/${bucket}/o?${query}`, { bucket, name: prefix })
      const page = (await response?.json()) as ObjectList | undefined
      for (const { name, size } of page?.items ?? []) found.push({ bucket, name, size: Number(size ?? 0) })
      pageToken = page?.nextPageToken
    } while (pageToken)
    return found
  }

  /** Writes an object's content to a file, unpacked if it is gzip. @throws BigQueryError `notFound` */
  async download(object: StoredObject, file: string): Promise<void> {
    const path = `/storage/v1/b/${object.bucket}/o/${encodeURIComponent(object.name)}?alt=media`
    const response = await this.#request(path, object)
    if (response === undefined) throw new BigQueryError('notFound', `Not found: URI ${uriOf(object)}`)
    const content = response.body === null ? Readable.from([]) : Readable.fromWeb(response.body)
    await pipeline(content, createWriteStream(file))
    if (!(await isGzip(file))) return
    const packed = `${file}.gz`
    await rename(file, packed)
    await pipeline(createReadStream(packed), createGunzip(), createWriteStream(file))
    await rm(packed)
  }

  /** Writes an object. @throws BigQueryError `notFound` if there is no such bucket */
  async upload(bucket: string, name: string, content: Uint8Array<ArrayBuffer>, type: string): Promise<void> {
    const query = new URLSearchParams({ uploadType: 'media', name })
    const response = await this.#request(
      `/upload/storage/v1/b/${bucket}/o?${query}`,
      { bucket, name },
      { method: 'POST', headers: { 'content-type': type }, body: content },
    )
    if (response === undefined) throw new BigQueryError('notFound', `Not found: Bucket gs://${bucket}`)
    await response.arrayBuffer()
  }

  /** @returns nothing for 404 */
  async #request(
    path: string,
    subject: Pick<StoredObject, 'bucket' | 'name'>,
    init: RequestInit = {},
  ): Promise<Response | undefined> {
    for (let attempt = 1; ; attempt++) {
      const response = await fetch(`${this.#endpoint}${path}`, init).catch(() => undefined)
      if (response?.ok) return response
      await response?.arrayBuffer()
      if (response?.status === 404) return undefined
      if (response?.status === 401 || response?.status === 403) {
        throw new BigQueryError(
          'accessDenied',
          `Access Denied: File ${uriOf(subject)}: Access Denied`,
          uriOf(subject),
        )
      }
      if (attempt === ATTEMPTS) {
        throw new BigQueryError('backendError', `Cloud Storage could not be reached for ${uriOf(subject)}.`)
      }
      await sleep(FIRST_PAUSE_MS * 2 ** (attempt - 1))
    }
  }
}

interface ObjectList {
  readonly items?: readonly { readonly name: string; readonly size?: string }[]
  readonly nextPageToken?: string
}

async function isGzip(file: string): Promise<boolean> {
  const handle = await open(file)
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(2), 0, 2, 0)
    return bytesRead === 2 && buffer.readUInt16BE(0) === 0x1f8b
  } finally {
    await handle.close()
  }
}
