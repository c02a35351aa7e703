import type { Storage } from '@google-cloud/storage'
import type { ActivitySettings } from './context.ts'
import { deploymentFolder } from './deployment-folder.ts'
import { deleteIfPresent, listObjects, readObject, splitUri, writeObject } from './objects.ts'

/** What an attempt's job writes, and who may still need it. */
export interface OutputNote {
  /** The workflow that the attempt belongs to. */
  readonly owner: string
  readonly outputPath: string
  /** The cluster that writes it. */
  readonly clusterName: string
  /** Common beginning of the ids of the load jobs that may read it. */
  readonly loadId: string
}

/**
 * Notes on outputs, each from before its job is asked for until the output is deleted. A run that is terminated, or reset
 * to before an attempt, leaves its note behind, by which the sweep finds the output.
 */
export interface OutputNotes {
  /** Does nothing when the attempt is noted already. @param key the attempt's */
  add(key: string, note: OutputNote): Promise<void>
  /** Does nothing when there is no such note. */
  remove(key: string): Promise<void>
  /** All notes of the deployment. */
  list(): AsyncGenerator<{ readonly key: string; readonly note: OutputNote }>
}

/** Notes in the processed bucket, beside the pipeline's other notes. */
export function outputNotes(storage: Storage, settings: ActivitySettings): OutputNotes {
  const folder = `${deploymentFolder(settings)}outputs/`
  const uriOf = (key: string): string => `${folder}${key}.json`
  return {
    async add(key, note) {
      await writeObject(storage, uriOf(key), JSON.stringify(note), 0)
    },
    remove: (key) => deleteIfPresent(storage, uriOf(key)),
    async *list() {
      const { name: prefix } = splitUri(folder)
      for await (const { name } of listObjects(storage, folder)) {
        const key = name.slice(prefix.length).replace(/\.json$/, '')
        const stored = await readObject(storage, uriOf(key))
        if (stored !== undefined) yield { key, note: JSON.parse(stored.text) as OutputNote }
      }
    },
  }
}
