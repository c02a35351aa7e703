import { createHash } from 'node:crypto'
import type { Storage } from '@google-cloud/storage'
import type { Batch } from '../workflows/run-types.ts'
import { type ObjectDescription, readObject, writeObject } from './objects.ts'

/** A batch's files as they were first described (P8), sorted by name. */
export interface Manifest {
  readonly uri: string
  readonly objects: readonly ObjectDescription[]
}

/** Reads a manifest: NDJSON, one {@link ObjectDescription} a line. Nothing if the batch was never described. */
export async function readManifest(storage: Storage, uri: string): Promise<Manifest | undefined> {
  const stored = await readObject(storage, uri)
  if (stored === undefined) return undefined
  const lines = stored.text.split('\n').filter((line) => line !== '')
  return { uri, objects: lines.map((line) => JSON.parse(line) as ObjectDescription) }
}

/** Writes a manifest unless there is one; in either case returns the one that counts. */
export async function writeManifestOnce(
  storage: Storage,
  uri: string,
  objects: readonly ObjectDescription[],
): Promise<Manifest> {
  const sorted = objects.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  const text = sorted.map((object) => `${JSON.stringify(object)}\n`).join('')
  if (await writeObject(storage, uri, text, 0)) return { uri, objects: sorted }
  const first = await readManifest(storage, uri)
  if (first === undefined) throw new Error(`The manifest ${uri} was written and has vanished.`)
  return first
}

/** What history carries of a manifest. */
export function summarise(manifest: Manifest): Batch {
  const digest = createHash('sha256')
  let bytes = 0
  for (const { name, generation, size, crc32c } of manifest.objects) {
    digest.update(`${name}\n${generation}\n${size}\n${crc32c}\n`)
    bytes += size
  }
  return { manifestUri: manifest.uri, files: manifest.objects.length, bytes, digest: digest.digest('hex') }
}
