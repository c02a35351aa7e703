import { createHash } from 'node:crypto'
import type { Storage } from '@google-cloud/storage'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { nestedBatchFolder } from '../workflows/paths.ts'
import type { RunPlan } from '../workflows/plan.ts'
import type { Batch } from '../workflows/run-types.ts'
import { failure } from './failures.ts'
import { type Entry, type ObjectDescription, splitUri, writeObject } from './objects.ts'
import { linesOf, openLines, parseLine } from './storage/ndjson.ts'
import { unreadable } from './storage/notes.ts'

// Half a million files with names of usual length. The list is in memory, twice, while it is written.
const MAX_BYTES = 64 * 1024 * 1024

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
  const lines = await openLines(storage, uri, refusalOf(uri))
  return lines && manifestOf(plan, lines)
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
  let size = 0
  for await (const object of objects) {
    const line = Buffer.from(`${JSON.stringify(object)}\n`)
    size += line.length
    if (size > MAX_BYTES) throw failure('InvalidInput', tooMany(plan))
    lines.push(line)
  }
  if (lines.length === 0) return undefined
  const text = Buffer.concat(lines.splice(0))
  if (await writeObject(storage, uri, text, 0)) return manifestOf(plan, () => linesOf([text], refusalOf(uri)))
  const first = await readManifest(storage, plan)
  if (first === undefined) throw new Error(`The manifest ${uri} was written and has vanished.`)
  return first
}

function tooMany({ rawPath }: Pick<RunPlan, 'rawPath'>): string {
  return `${rawPath} holds more files than one batch may: their list is longer than ${MAX_BYTES} bytes. Export fewer, larger files, or several batches.`
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

const refusalOf = (uri: string) => (what: string) => unreadable(uri, what)

function manifestOf(
  { manifestUri: uri, rawPath }: Pick<RunPlan, 'manifestUri' | 'rawPath'>,
  lines: () => AsyncIterable<string>,
): Manifest {
  const { name: prefix } = splitUri(rawPath)
  return {
    uri,
    async *entries() {
      let last = Buffer.alloc(0)
      for await (const line of lines()) {
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
  const value = parseLine(line, refusalOf(uri))
  if (Line.Check(value)) return value
  throw unreadable(uri, 'holds a line that describes no file')
}
