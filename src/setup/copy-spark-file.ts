import { createHash } from 'node:crypto'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { fileAt, writeObject } from '../../activities/objects.ts'
import type { SparkJobOptions } from '../../activities/spark-arguments.ts'
import { copyUri, isCopy, metadataOf, SparkCopiesNote, type SparkCopy } from '../../activities/spark-files.ts'
import { readNote } from '../../activities/storage/notes.ts'
import type { GoogleClients } from '../clients.ts'

type Storage = GoogleClients['storage']

/** Set-ups that run at the same time note their copies one after the other. */
const NOTE_ATTEMPTS = 5

/** What a file's bytes come to. */
interface Digest {
  readonly sha256: string
  readonly md5: string
  readonly size: number
}

/**
 * Copies one generation of a file to the state bucket, under the hash of its content, and notes the copy. The file is read
 * twice, once for its hash, and is never held whole: jars are large.
 * @throws Error when it changes meanwhile, or somebody else writes the same copy or note
 */
export async function copySparkFile(
  storage: Storage,
  spark: SparkJobOptions,
  { uri, generation }: { readonly uri: string; readonly generation: string },
): Promise<void> {
  const { bucket, name } = fileAt(storage, uri)
  const read = () => bucket.file(name, { generation }).createReadStream({ decompress: false })
  const digest = await digestOf(read())
  const copy = copyUri(spark.copies.folder, digest.sha256, uri)
  const before = await metadataOf(storage, copy)
  if (before === undefined || !isCopy(before, digest)) {
    const writing = fileAt(storage, copy).createWriteStream({
      resumable: false,
      preconditionOpts: { ifGenerationMatch: Number(before?.generation ?? 0) },
    })
    await digestOf(read(), writing)
  }
  const found = await metadataOf(storage, copy)
  if (found === undefined || !isCopy(found, digest))
    throw new Error(`${copy} was changed while it was written.`)
  await note(storage, spark, {
    uri,
    copy,
    ...digest,
    crc32c: String(found.crc32c),
    generation: String(found.generation),
  })
}

async function digestOf(from: NodeJS.ReadableStream, to?: NodeJS.WritableStream): Promise<Digest> {
  const sha256 = createHash('sha256')
  const md5 = createHash('md5')
  let size = 0
  const count = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      sha256.update(chunk)
      md5.update(chunk)
      size += chunk.length
      done(null, to === undefined ? undefined : chunk)
    },
  })
  if (to === undefined) await pipeline(from, count.resume())
  else await pipeline(from, count, to)
  return { sha256: sha256.digest('hex'), md5: md5.digest('base64'), size }
}

/** Adds a copy to the deployment's note, and drops those of files that its settings name no more. */
async function note(storage: Storage, spark: SparkJobOptions, added: SparkCopy): Promise<void> {
  const configured = [spark.scriptUri, ...spark.pythonFileUris, ...spark.jarFileUris]
  for (let attempt = 1; attempt <= NOTE_ATTEMPTS; attempt += 1) {
    const before = await readNote(storage, spark.copies.note, SparkCopiesNote)
    const kept = (before?.value.files ?? []).filter(
      ({ uri }) => uri !== added.uri && configured.includes(uri),
    )
    const text = JSON.stringify({ files: [...kept, added] }, undefined, 2)
    if (await writeObject(storage, spark.copies.note, text, before?.generation ?? 0)) return
  }
  throw new Error(`${spark.copies.note} was changed each time that it was to be written.`)
}
