import type { Storage } from '@google-cloud/storage'
import { processedPath } from '../workflows/paths.ts'
import type { RunPlan } from '../workflows/plan.ts'
import { readObject, writeObject } from './objects.ts'

/** What tells where a batch is archived. */
type Place = Pick<RunPlan, 'batchPath' | 'processedRoot' | 'batchName'> & {
  readonly reload?: string | undefined
}

/** Where the batch was archived, or began to be; nothing if it never was. */
export async function readArchivePlace(storage: Storage, place: Place): Promise<string | undefined> {
  const stored = await readObject(storage, uriOf(place))
  return stored === undefined
    ? undefined
    : (JSON.parse(stored.text) as { readonly processedPath: string }).processedPath
}

/** Settles where the batch is archived: in the folder of the day of the first try, which later tries keep. */
export async function settleArchivePlace(storage: Storage, place: Place, now: Date): Promise<string> {
  const path = processedPath(place, now.toISOString().slice(0, 10), place.reload)
  if (await writeObject(storage, uriOf(place), JSON.stringify({ processedPath: path }), 0)) return path
  return (await readArchivePlace(storage, place)) ?? path
}

function uriOf({ batchPath, reload }: Place): string {
  return `${batchPath}archive${reload === undefined ? '' : `-${reload}`}.json`
}
