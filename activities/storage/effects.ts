/**
 * The one place that deletes and copies objects. It takes folders that are the pipeline's own, and names within them, so
 * that nothing that others have written can lead it elsewhere.
 */

import type { Storage } from '@google-cloud/storage'
import pMap from 'p-map'
import { isNotFound } from '../failures.ts'
import { listNames, type ObjectDescription } from '../objects.ts'
import type { OwnFolder } from './own-folder.ts'

// Wide enough to hide a round trip of tens of milliseconds, narrow enough for one connection pool.
const CONCURRENT_DELETES = 32

/**
 * Deletes an object; does nothing when there is none.
 * @param generation deletes only this one
 * @throws the client's error 412 when there is another generation
 */
export async function deleteObject(
  storage: Storage,
  folder: OwnFolder,
  name: string,
  generation?: string,
): Promise<void> {
  try {
    await folder.file(storage, name).delete(generation === undefined ? {} : { ifGenerationMatch: generation })
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
}

/** Deletes all that is in a folder, placeholders too, page by page. */
export async function deleteAllIn(storage: Storage, folder: OwnFolder): Promise<void> {
  await pMap(listNames(storage, folder.uri), (name) => deleteObject(storage, folder, name), {
    concurrency: CONCURRENT_DELETES,
  })
}

/** Where an object is, in one of the pipeline's own folders. */
export interface OwnObject {
  readonly folder: OwnFolder
  readonly name: string
}

/** What a copy has made. */
export type Copied = Pick<ObjectDescription, 'generation' | 'size' | 'crc32c'>

/** https://cloud.google.com/storage/docs/json_api/v1/objects/rewrite#response */
interface RewriteReply {
  readonly rewriteToken?: string
  readonly resource?: { readonly [field in keyof Copied]?: string }
}

/**
 * Copies one generation of an object, over one generation of another. A large object takes several calls; the client's own
 * copy ties only the first of them to the generation that is replaced.
 * @param replaced of the object that is there; 0 when there must be none
 * @throws the client's error 412 when another generation is there, 404 when the source has gone or has changed
 */
export async function copyObject(
  storage: Storage,
  from: OwnObject & { readonly generation: string },
  to: OwnObject & { readonly replaced: string | 0 },
): Promise<Copied> {
  const source = from.folder.file(storage, from.name)
  const target = to.folder.file(storage, to.name)
  const uri = `/o/${encodeURIComponent(source.name)}/rewriteTo/b/${target.bucket.name}/o/${encodeURIComponent(target.name)}`
  const qs = { sourceGeneration: from.generation, ifGenerationMatch: to.replaced }
  for (let token: { readonly rewriteToken?: string } = {}; ; ) {
    const [body] = await source.bucket.request({ method: 'POST', uri, qs: { ...qs, ...token }, json: {} })
    const { rewriteToken, resource } = body as RewriteReply
    if (resource !== undefined) {
      const { generation, size, crc32c } = resource
      return { generation: String(generation), size: Number(size), crc32c: String(crc32c) }
    }
    token = { ...(rewriteToken !== undefined && { rewriteToken }) }
  }
}
