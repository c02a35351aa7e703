import { join } from 'node:path'
import pMap from 'p-map'
import { BigQueryError } from './errors.ts'
import type { SourcePattern } from './load-config.ts'
import { type ObjectStore, type StoredObject, uriOf } from './object-store.ts'

/** A source file on this machine. */
export interface SourceFile {
  /** Unpacked content. */
  readonly path: string
  readonly uri: string
  /** Bytes as stored. */
  readonly size: number
}

/** https://cloud.google.com/bigquery/quotas#load_jobs: source files a job, wildcards expanded. */
const MAX_FILES = 10_000_000
const DOWNLOADS_AT_ONCE = 8

/** The objects that URIs stand for, each once. @throws BigQueryError `notFound` */
export async function findSources(
  store: ObjectStore,
  patterns: readonly SourcePattern[],
): Promise<StoredObject[]> {
  const found = await pMap(patterns, (pattern) => findObjects(store, pattern), {
    concurrency: DOWNLOADS_AT_ONCE,
  })
  const objects = [...new Map(found.flat().map((object) => [uriOf(object), object])).values()]
  if (objects.length > MAX_FILES) {
    throw new BigQueryError(
      'invalid',
      `Too many source files: ${objects.length}; at most ${MAX_FILES} are allowed.`,
    )
  }
  return objects
}

async function findObjects(store: ObjectStore, pattern: SourcePattern): Promise<StoredObject[]> {
  const { uri, bucket, prefix, suffix } = pattern
  if (suffix === undefined) {
    const object = await store.find(bucket, prefix)
    if (object === undefined) throw new BigQueryError('notFound', `Not found: URI ${uri}`)
    return [object]
  }
  const objects = (await store.list(bucket, prefix)).filter(
    ({ name }) => name.length >= prefix.length + suffix.length && name.endsWith(suffix),
  )
  if (objects.length === 0) throw new BigQueryError('notFound', `Not found: Uris ${uri}`)
  return objects
}

/** Downloads objects into a folder, in their order. */
export function downloadAll(
  store: ObjectStore,
  objects: readonly StoredObject[],
  folder: string,
): Promise<SourceFile[]> {
  return pMap(
    objects,
    async (object, i) => {
      const path = join(folder, String(i).padStart(8, '0'))
      await store.download(object, path)
      return { path, uri: uriOf(object), size: object.size }
    },
    { concurrency: DOWNLOADS_AT_ONCE },
  )
}
