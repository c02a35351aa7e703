/**
 * The one place that deletes and copies objects. It takes folders that are the pipeline's own, and names within them, so
 * that nothing that others have written can lead it elsewhere.
 */

import type { Storage } from '@google-cloud/storage'
import pMap from 'p-map'
import { isNotFound } from '../failures.ts'
import { listNames } from '../objects.ts'
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

/**
 * Copies one generation of an object, to where there is none.
 * @throws the client's error 412 when the target is there, 404 when the source has gone or has changed
 */
export async function copyObject(
  storage: Storage,
  from: OwnObject & { readonly generation: string },
  to: OwnObject,
): Promise<void> {
  const source = from.folder.file(storage, from.name)
  const pinned = source.bucket.file(source.name, { generation: from.generation })
  await pinned.copy(to.folder.file(storage, to.name), { preconditionOpts: { ifGenerationMatch: 0 } })
}
