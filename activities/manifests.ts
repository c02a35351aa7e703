import { createHash } from 'node:crypto'
import type { File, Storage } from '@google-cloud/storage'
import type { Batch } from '../workflows/run-types.ts'
import { type ObjectDescription, withObject, writeObject } from './objects.ts'

/** A larger manifest is read in pieces, so that memory does not grow with the batch. This one holds some 1,700 files. */
const PIECE_BYTES = 1 << 18

/** A batch's files as they were first described (P8), in the order of their names in UTF-8. */
export interface Manifest {
  readonly uri: string
  /** Reads the files; may be called again. */
  objects(): AsyncIterable<ObjectDescription>
}

/** Opens a manifest: NDJSON, one {@link ObjectDescription} a line. Nothing if the batch was never described. */
export async function readManifest(storage: Storage, uri: string): Promise<Manifest | undefined> {
  return withObject(storage, uri, async (pinned, _, size) => {
    if (size > PIECE_BYTES) return { uri, objects: () => objectsIn(piecesOf(pinned, size)) }
    const [whole] = await pinned.download()
    return { uri, objects: () => objectsIn([whole]) }
  })
}

/** Writes a manifest unless there is one; in either case returns the one that counts. Nothing if there are no objects. */
export async function writeManifestOnce(
  storage: Storage,
  uri: string,
  objects: AsyncIterable<ObjectDescription>,
): Promise<Manifest | undefined> {
  const lines: Buffer[] = []
  for await (const object of objects) lines.push(Buffer.from(`${JSON.stringify(object)}\n`))
  if (lines.length === 0) return undefined
  const text = Buffer.concat(lines)
  if (await writeObject(storage, uri, text, 0)) return { uri, objects: () => objectsIn([text]) }
  const first = await readManifest(storage, uri)
  if (first === undefined) throw new Error(`The manifest ${uri} was written and has vanished.`)
  return first
}

/** What history carries of a manifest. */
export async function summarise(manifest: Manifest): Promise<Batch> {
  const digest = createHash('sha256')
  let [files, bytes] = [0, 0]
  for await (const { name, generation, size, crc32c } of manifest.objects()) {
    digest.update(`${name}\n${generation}\n${size}\n${crc32c}\n`)
    files++
    bytes += size
  }
  return { manifestUri: manifest.uri, files, bytes, digest: digest.digest('hex') }
}

/** Each piece is a call of its own, since a stream that is read slowly, while files are moved, would be cut off. */
async function* piecesOf(file: File, size: number): AsyncGenerator<Buffer> {
  for (let start = 0; start < size; start += PIECE_BYTES) {
    const [piece] = await file.download({ start, end: Math.min(start + PIECE_BYTES, size) - 1 })
    yield piece
  }
}

/** The objects in the lines of some pieces, which may end within a line. */
async function* objectsIn(
  pieces: Iterable<Buffer> | AsyncIterable<Buffer>,
): AsyncGenerator<ObjectDescription> {
  let rest = Buffer.alloc(0)
  for await (const piece of pieces) {
    const bytes = rest.length === 0 ? piece : Buffer.concat([rest, piece])
    let start = 0
    for (let end = bytes.indexOf('\n'); end >= 0; end = bytes.indexOf('\n', start)) {
      if (end > start) yield JSON.parse(bytes.toString('utf8', start, end)) as ObjectDescription
      start = end + 1
    }
    rest = Buffer.from(bytes.subarray(start))
  }
  if (rest.length > 0) yield JSON.parse(rest.toString()) as ObjectDescription
}
