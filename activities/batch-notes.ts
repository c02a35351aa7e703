/** What a batch's notes are called. Each description of it has its own: the first one, and that of each reload. */

import type { Storage } from '@google-cloud/storage'
import { listNames, listNewestFirst } from './objects.ts'
import type { OwnFolder } from './storage/own-folder.ts'

/** The label of a reload; nothing for the first description. */
export type Label = string | undefined

/** Where a batch was archived, or what it was loaded with. */
type Kind = 'archive' | 'load'

/** The note of a description. */
export function noteUri(notes: OwnFolder, kind: Kind, label: Label): string {
  return `${notes.uri}${kind}${label === undefined ? '' : `-${label}`}.json`
}

/** The names of all notes beside a batch; those of a batch in a folder of this one are not among them. */
export async function noteNames(storage: Storage, notes: OwnFolder): Promise<readonly string[]> {
  const names: string[] = []
  for await (const name of listNames(storage, notes.uri)) if (!name.includes('/')) names.push(name)
  return names
}

/** The descriptions that have a note of a kind. */
export function labelsOf(kind: Kind, names: readonly string[]): readonly Label[] {
  return labelsIn(names, new RegExp(`^${kind}(?:-([a-z0-9-]+))?\\.json$`))
}

/**
 * The descriptions of a batch, by their manifests.
 * @param manifestUri of any of them
 * @returns the newest first
 */
export async function describedLabels(storage: Storage, manifestUri: string): Promise<readonly Label[]> {
  const folder = manifestUri.slice(0, manifestUri.lastIndexOf('/') + 1)
  return labelsIn(await listNewestFirst(storage, folder), /^manifest(?:-([a-z0-9-]+))?\.ndjson$/)
}

function labelsIn(names: readonly string[], pattern: RegExp): readonly Label[] {
  return names.flatMap((name) => {
    const match = pattern.exec(name)
    return match === null ? [] : [match[1]]
  })
}
