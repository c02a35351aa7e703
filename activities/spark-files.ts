/** The files that a Spark job is given: copies in the state bucket, each under the hash of its content. */

import type { FileMetadata, Storage } from '@google-cloud/storage'
import { type Static, Type } from 'typebox'
import type { ActivitySettings } from './context.ts'
import { failure, isNotFound } from './failures.ts'
import { fileAt } from './objects.ts'
import type { SparkJobOptions } from './spark-arguments.ts'
import { readNote, unreadable } from './storage/notes.ts'

/** A file as it was when set-up copied it. */
const SparkCopy = Type.Object({
  /** As the deployment's settings name it. */
  uri: Type.String(),
  copy: Type.String(),
  /** Hexadecimal. */
  sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
  /** Base64, as Cloud Storage gives them. */
  md5: Type.String(),
  crc32c: Type.String(),
  size: Type.Integer({ minimum: 0 }),
  /** Of the copy. */
  generation: Type.String(),
})
export type SparkCopy = Static<typeof SparkCopy>

/** The note in which set-up says which file has which copy. */
export const SparkCopiesNote = Type.Object({ files: Type.Array(SparkCopy) })

/** Where the copy of a file lies. */
export function copyUri(folder: string, sha256: string, uri: string): string {
  return `${folder}${sha256}/${uri.slice(uri.lastIndexOf('/') + 1)}`
}

/** Whether a URI names one object, in plain characters: a wildcard or an escape means another one to some readers. */
export function isSparkFile(uri: string): boolean {
  return (
    /^gs:\/\/[a-z0-9][a-z0-9._-]+\/(?:[^/]+\/)*[^/]+$/.test(uri) &&
    !/[\p{C}\p{Zl}\p{Zp}*?[\]{}#%\\]|\/\.{1,2}(?:\/|$)/u.test(uri)
  )
}

/** Whether an object is the copy that is told of. */
export function isCopy(
  found: FileMetadata,
  { size, md5, ...copy }: Pick<SparkCopy, 'size' | 'md5'> & Partial<Pick<SparkCopy, 'crc32c' | 'generation'>>,
): boolean {
  return (
    Number(found.size) === size &&
    found.md5Hash === md5 &&
    (copy.crc32c === undefined || found.crc32c === copy.crc32c) &&
    (copy.generation === undefined || String(found.generation) === copy.generation)
  )
}

/** An object's metadata; nothing if there is none. */
export async function metadataOf(storage: Storage, uri: string): Promise<FileMetadata | undefined> {
  try {
    const [metadata] = await fileAt(storage, uri).getMetadata()
    return metadata
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}

/**
 * The settings with the copies in the place of the files, each looked at just now: what a job runs is what set-up has put
 * there, whatever became of the files since.
 * @throws NotFound when a file has no copy, SparkScriptChanged when a copy is not what set-up has put there
 */
export async function withSparkCopies<T extends Pick<ActivitySettings, 'spark'>>(
  storage: Storage,
  settings: T,
): Promise<T> {
  const { spark } = settings
  const { folder, note } = spark.copies
  const own = [...(spark.release ? [] : [spark.scriptUri]), ...spark.pythonFileUris, ...spark.jarFileUris]
  const copies = own.length === 0 ? [] : ((await readNote(storage, note, SparkCopiesNote))?.value.files ?? [])

  async function copyOf(uri: string): Promise<string> {
    const told = copies.find((file) => file.uri === uri)
    if (told === undefined) throw missing(`The file ${uri}`, folder)
    if (told.copy !== copyUri(folder, told.sha256, uri))
      throw unreadable(note, `names ${told.copy} as the copy of ${uri}`)
    await confirm(told.copy, told)
    return told.copy
  }

  async function confirm(copy: string, expected: Parameters<typeof isCopy>[1]): Promise<void> {
    const found = await metadataOf(storage, copy)
    if (found === undefined) throw missing(`The Spark file ${copy}`, folder)
    if (!isCopy(found, expected))
      throw failure('SparkScriptChanged', `The Spark file ${copy} is not the one that set-up has put there.`)
  }

  async function script(): Promise<string> {
    if (spark.release === undefined) return copyOf(spark.scriptUri)
    await confirm(spark.scriptUri, spark.release)
    return spark.scriptUri
  }

  const files: Pick<SparkJobOptions, 'scriptUri' | 'pythonFileUris' | 'jarFileUris'> = {
    scriptUri: await script(),
    pythonFileUris: await Promise.all(spark.pythonFileUris.map(copyOf)),
    jarFileUris: await Promise.all(spark.jarFileUris.map(copyOf)),
  }
  return { ...settings, spark: { ...spark, ...files } }
}

function missing(what: string, folder: string): Error {
  return failure('NotFound', `${what} is not in ${folder}, where average-speed setup puts it.`)
}
