import { isDeepStrictEqual } from 'node:util'
import type { Storage } from '@google-cloud/storage'
import { type Static, Type } from 'typebox'
import { isAttemptKey } from '../workflows/attempt-names.ts'
import type { ActivitySettings } from './context.ts'
import { deploymentFolder } from './deployment-folder.ts'
import { failure } from './failures.ts'
import { LoadId } from './load-jobs.ts'
import { listNames, writeObject } from './objects.ts'
import { deleteObject } from './storage/effects.ts'
import { readNote } from './storage/notes.ts'

/** What an attempt's job writes, and who may still need it. Where it writes follows from the run's input. */
const OutputNote = Type.Object({
  /** The Temporal namespace, by its id, and the workflow in it that the attempt belongs to. */
  namespaceId: Type.String({ minLength: 1 }),
  owner: Type.String({ minLength: 1 }),
  /** The run's input, from which its paths follow. */
  input: Type.Object({ rawPath: Type.String() }),
  /** Common beginning of the ids of the load jobs that may read it. */
  loadId: LoadId,
})
export type OutputNote = Static<typeof OutputNote>

/**
 * Notes on outputs, each from before its job is asked for until the output is deleted. A run that is terminated, or reset
 * to before an attempt, leaves its note behind, by which the sweep finds the output.
 */
export interface OutputNotes {
  /**
   * Does nothing when the attempt is noted already.
   * @param key the attempt's
   * @throws InvalidInput when it is another run's
   */
  add(key: string, note: OutputNote): Promise<void>
  /**
   * A key passes for an attempt of anybody's. Whose it is, its note tells; without one it is nobody's yet.
   * @throws InvalidInput when it is another run's, or of another batch
   */
  requireOwn(key: string, owner: string, input: { readonly rawPath: string }): Promise<void>
  /** Does nothing when there is no such note. */
  remove(key: string): Promise<void>
  /** @throws NoteUnreadable */
  read(key: string): Promise<OutputNote | undefined>
  /** The keys of all attempts of the deployment that are noted. */
  list(): AsyncGenerator<string>
}

/** Notes among the deployment's own. */
export function outputNotes(storage: Storage, settings: ActivitySettings): OutputNotes {
  const folder = deploymentFolder(settings, 'outputs')
  const read = async (key: string) => (await readNote(storage, `${folder.uri}${key}.json`, OutputNote))?.value
  const requireOwn: OutputNotes['requireOwn'] = async (key, owner, input) => {
    const noted = await read(key)
    if (noted === undefined || (noted.owner === owner && isDeepStrictEqual(noted.input, { ...input }))) return
    throw failure('InvalidInput', `The attempt ${key} is of the run ${noted.owner}, not of this one.`)
  }
  return {
    async add(key, note) {
      if (await writeObject(storage, `${folder.uri}${key}.json`, JSON.stringify(note), 0)) return
      await requireOwn(key, note.owner, note.input)
    },
    requireOwn,
    remove: (key) => deleteObject(storage, folder, `${key}.json`),
    read,
    async *list() {
      for await (const name of listNames(storage, folder.uri)) {
        const key = name.replace(/\.json$/, '')
        if (isAttemptKey(key)) yield key
      }
    },
  }
}
