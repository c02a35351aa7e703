/** Small things that several activities do with objects in Cloud Storage. */

import type { File, FileMetadata, Storage } from '@google-cloud/storage'
import { isNotFound, isPreconditionFailed } from './failures.ts'
import { stopIfTold } from './long-running.ts'

/** One object as the manifest describes it. Names are without the bucket. */
export interface ObjectDescription {
  readonly name: string
  readonly generation: string
  readonly size: number
  /** Base64, as Cloud Storage gives it: https://cloud.google.com/storage/docs/json_api/v1/objects#crc32c */
  readonly crc32c: string
}

/** @param uri `gs://bucket/name` */
export function fileAt(storage: Storage, uri: string): File {
  const { bucket, name } = splitUri(uri)
  return storage.bucket(bucket).file(name)
}

/** Bucket and object name, or prefix, of a `gs://` URI. */
export function splitUri(uri: string): { readonly bucket: string; readonly name: string } {
  const match = /^gs:\/\/([^/]+)\/(.*)$/s.exec(uri)
  if (match === null) throw new Error(`Not a Cloud Storage URI: ${uri}`)
  return { bucket: match[1] ?? '', name: match[2] ?? '' }
}

/**
 * Looks an object up and does something with that very generation of it.
 * @param use told the object, tied to its generation, and its size in bytes
 * @returns what `use` returns; nothing if there is none, or it vanishes meanwhile
 */
export async function withObject<T>(
  storage: Storage,
  uri: string,
  use: (pinned: File, generation: string, size: number) => Promise<T>,
): Promise<T | undefined> {
  try {
    const file = fileAt(storage, uri)
    const [metadata] = await file.getMetadata()
    const generation = String(metadata.generation)
    return await use(file.bucket.file(file.name, { generation }), generation, Number(metadata.size))
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}

/**
 * An object's bytes as they are stored. Those that call themselves compressed are not unpacked: they would be a thousand times
 * larger than any limit on their size.
 * @param range its first and last byte; default: all
 */
export async function bytesOf(
  file: File,
  range: { readonly start?: number; readonly end?: number } = {},
): Promise<Buffer> {
  const [bytes] = await file.download({ ...range, decompress: false })
  return bytes
}

/** Whether there is such an object. */
export async function exists(storage: Storage, uri: string): Promise<boolean> {
  return (await withObject(storage, uri, async () => true)) ?? false
}

/**
 * Writes a small object, if it is still what the writer has seen.
 * @param generation of the object that is replaced; 0 when there must be none
 * @returns false when somebody else was first
 */
export async function writeObject(
  storage: Storage,
  uri: string,
  text: string | Buffer,
  generation: string | 0,
): Promise<boolean> {
  try {
    await fileAt(storage, uri).save(text, {
      resumable: false,
      contentType: 'application/json',
      preconditionOpts: { ifGenerationMatch: generation },
    })
    return true
  } catch (error) {
    if (isPreconditionFailed(error)) return false
    throw error
  }
}

/** Lists every object under a folder, page by page. Placeholders for folders, whose names end in a slash, are left out. */
export async function* listObjects(storage: Storage, folderUri: string): AsyncGenerator<ObjectDescription> {
  for await (const found of listPages(storage, folderUri, 'name,generation,size,crc32c')) {
    const { name, generation, size, crc32c } = found
    if (name === undefined || name.endsWith('/')) continue
    yield { name, generation: String(generation), size: Number(size), crc32c: String(crc32c) }
  }
}

/** The names below a folder of all objects under it, placeholders too: the folder's own is empty. */
export async function* listNames(storage: Storage, folderUri: string): AsyncGenerator<string> {
  const { name: prefix } = splitUri(folderUri)
  for await (const { name = '' } of listPages(storage, folderUri, 'name')) yield name.slice(prefix.length)
}

/** The names below a folder of all objects under it, the newest first. */
export async function listNewestFirst(storage: Storage, folderUri: string): Promise<readonly string[]> {
  const { name: prefix } = splitUri(folderUri)
  const found: { readonly name: string; readonly created: number }[] = []
  for await (const { name = '', timeCreated = '' } of listPages(storage, folderUri, 'name,timeCreated'))
    found.push({ name: name.slice(prefix.length), created: Date.parse(timeCreated) })
  return found.toSorted((a, b) => b.created - a.created).map(({ name }) => name)
}

async function* listPages(
  storage: Storage,
  folderUri: string,
  itemFields: string,
): AsyncGenerator<FileMetadata> {
  const { bucket, name: prefix } = splitUri(folderUri)
  const fields = `items(${itemFields}),nextPageToken`
  let pageToken: string | undefined
  do {
    stopIfTold()
    const [files, next] = await storage
      .bucket(bucket)
      .getFiles({ prefix, fields, autoPaginate: false, ...(pageToken !== undefined && { pageToken }) })
    // Asked for some fields only, the client hands out the bare resources.
    yield* files as unknown as FileMetadata[]
    pageToken = (next as { readonly pageToken?: string } | null)?.pageToken
  } while (pageToken !== undefined)
}

/** An object under a folder, by the rest of its name. */
export interface Entry {
  readonly name: string
  readonly object: ObjectDescription
}

/** The objects under a folder, in the order in which Cloud Storage lists them, which is that of their names in UTF-8. */
export async function* entriesOf(storage: Storage, folderUri: string): AsyncGenerator<Entry> {
  const { name: prefix } = splitUri(folderUri)
  for await (const object of listObjects(storage, folderUri))
    yield { name: object.name.slice(prefix.length), object }
}

/** True when two objects hold the same bytes. */
export function sameBytes(
  a: Pick<ObjectDescription, 'size' | 'crc32c'>,
  b: Pick<ObjectDescription, 'size' | 'crc32c'>,
): boolean {
  return a.size === b.size && a.crc32c === b.crc32c
}
