import { createHash } from 'node:crypto'
import type { File, Storage } from '@google-cloud/storage'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { nestedBatchFolder } from '../workflows/paths.ts'
import type { RunPlan } from '../workflows/plan.ts'
import type { Batch } from '../workflows/run-types.ts'
import { failure } from './failures.ts'
import { bytesOf, type Entry, type ObjectDescription, splitUri, withObject, writeObject } from './objects.ts'
import { unreadable } from './storage/notes.ts'

/** A larger manifest is read in pieces, so that memory does not grow with the batch. This one holds some 1,700 files. */
const PIECE_BYTES = 1 << 18

// Cloud Storage's names have 1,024 bytes, of which JSON may make six each.
const MAX_LINE_BYTES = 8 * 1024

const Line = Compile(
  Type.Object({
    name: Type.String({ minLength: 1 }),
    generation: Type.String({ pattern: '^\\d{1,20}$' }),
    size: Type.Integer({ minimum: 0 }),
    crc32c: Type.String({ pattern: '^[A-Za-z0-9+/]{6}==$' }),
  }),
)

/** A batch's files as they were first described (P8), in the order of their names in UTF-8. */
export interface Manifest {
  readonly uri: string
  /**
   * Reads the files, by their names below the raw path; may be called again.
   * @throws NoteUnreadable at a line that describes no file of the batch
   */
  entries(): AsyncGenerator<Entry>
}

/** Opens a manifest: NDJSON, one {@link ObjectDescription} a line. Nothing if the batch was never described. */
export async function readManifest(
  storage: Storage,
  plan: Pick<RunPlan, 'manifestUri' | 'rawPath'>,
): Promise<Manifest | undefined> {
  const { manifestUri: uri } = plan
  return withObject(storage, uri, async (pinned, _, size) => {
    if (size > PIECE_BYTES) return manifestOf(plan, () => piecesOf(pinned, size))
    const whole = await bytesOf(pinned)
    return manifestOf(plan, () => [whole])
  })
}

/**
 * Opens a manifest that there must be.
 * @throws RawFilesMissing
 */
export async function requireManifest(
  storage: Storage,
  plan: Pick<RunPlan, 'manifestUri' | 'rawPath'>,
): Promise<Manifest> {
  const manifest = await readManifest(storage, plan)
  if (manifest !== undefined) return manifest
  throw failure(
    'RawFilesMissing',
    `The manifest ${plan.manifestUri} has been deleted, so nothing was done. Restore it and retry the run.`,
  )
}

/** Writes a manifest unless there is one; in either case returns the one that counts. Nothing if there are no objects. */
export async function writeManifestOnce(
  storage: Storage,
  plan: Pick<RunPlan, 'manifestUri' | 'rawPath'>,
  objects: AsyncIterable<ObjectDescription>,
): Promise<Manifest | undefined> {
  const { manifestUri: uri } = plan
  const lines: Buffer[] = []
  for await (const object of objects) lines.push(Buffer.from(`${JSON.stringify(object)}\n`))
  if (lines.length === 0) return undefined
  const text = Buffer.concat(lines)
  if (await writeObject(storage, uri, text, 0)) return manifestOf(plan, () => [text])
  const first = await readManifest(storage, plan)
  if (first === undefined) throw new Error(`The manifest ${uri} was written and has vanished.`)
  return first
}

/** What history carries of a manifest. */
export async function summarise(manifest: Manifest, { rawPath }: Pick<RunPlan, 'rawPath'>): Promise<Batch> {
  const { name: prefix } = splitUri(rawPath)
  const digest = createHash('sha256')
  let [files, bytes] = [0, 0]
  for await (const { name, object } of manifest.entries()) {
    const { generation, size, crc32c } = object
    digest.update(`${prefix}${name}\n${generation}\n${size}\n${crc32c}\n`)
    files++
    bytes += size
  }
  return { manifestUri: manifest.uri, files, bytes, digest: digest.digest('hex') }
}

type Pieces = Iterable<Buffer> | AsyncIterable<Buffer>

function manifestOf(
  { manifestUri: uri, rawPath }: Pick<RunPlan, 'manifestUri' | 'rawPath'>,
  pieces: () => Pieces,
): Manifest {
  const { name: prefix } = splitUri(rawPath)
  return {
    uri,
    async *entries() {
      let last = Buffer.alloc(0)
      for await (const line of linesOf(uri, pieces())) {
        const object = objectIn(uri, line)
        const name = object.name.slice(prefix.length)
        const bytes = Buffer.from(name)
        // Lists are read side by side, which relies on their order. What lies in a folder of another batch's is never described.
        const isOwn = object.name.startsWith(prefix) && nestedBatchFolder(name) === undefined
        if (!isOwn || Buffer.compare(last, bytes) >= 0) {
          throw unreadable(uri, `names ${JSON.stringify(object.name.slice(0, 120))}, out of place`)
        }
        last = bytes
        yield { name, object }
      }
    },
  }
}

function objectIn(uri: string, line: string): ObjectDescription {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    throw unreadable(uri, 'holds a line that is no JSON')
  }
  if (Line.Check(value)) return value
  throw unreadable(uri, 'holds a line that describes no file')
}

/** Each piece is a call of its own, since a stream that is read slowly, while files are moved, would be cut off. */
async function* piecesOf(file: File, size: number): AsyncGenerator<Buffer> {
  for (let start = 0; start < size; start += PIECE_BYTES) {
    yield await bytesOf(file, { start, end: Math.min(start + PIECE_BYTES, size) - 1 })
  }
}

/** The lines in some pieces, which may end within a line. */
async function* linesOf(uri: string, pieces: Pieces): AsyncGenerator<string> {
  let rest = Buffer.alloc(0)
  for await (const piece of pieces) {
    const bytes = rest.length === 0 ? piece : Buffer.concat([rest, piece])
    let start = 0
    for (let end = bytes.indexOf('\n'); end >= 0; end = bytes.indexOf('\n', start)) {
      if (end > start) yield bytes.toString('utf8', start, end)
      start = end + 1
    }
    rest = Buffer.from(bytes.subarray(start))
    if (rest.length > MAX_LINE_BYTES) throw unreadable(uri, `holds a line of over ${MAX_LINE_BYTES} bytes`)
  }
  if (rest.length > 0) yield rest.toString()
}
