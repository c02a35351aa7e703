import type { Storage } from '@google-cloud/storage'
import pMap from 'p-map'
import { failure, isNotFound, isPassing, isPreconditionFailed } from './failures.ts'
import { pauseFor, stopIfTold } from './long-running.ts'
import { type Entry, type ObjectDescription, sameBytes } from './objects.ts'
import { copyObject, deleteObject } from './storage/effects.ts'
import type { OwnFolder } from './storage/own-folder.ts'

// Wide enough to hide a round trip of tens of milliseconds, narrow enough for one connection pool.
const CONCURRENT_MOVES = 32

// One call in thousands meets a server error. The client does not repeat every delete, and another try of the whole
// activity lists everything again, so a move is done again by itself.
const RETRY_PAUSES_MS = [250, 1_000, 4_000]

/** From where to where objects are moved, under the same names. */
export interface Route {
  readonly from: OwnFolder
  readonly to: OwnFolder
}

/**
 * Moves objects: copy, verify, delete, each tied to a generation, so that a move that was interrupted is finished by doing
 * it again, and nothing that changed meanwhile is lost.
 * @param objects as they are in the one folder; their bytes must arrive in the other
 */
export async function moveObjects(
  storage: Storage,
  route: Route,
  objects: Iterable<Entry> | AsyncIterable<Entry>,
): Promise<void> {
  const errors: unknown[] = []
  const move = async (one: Entry): Promise<void> => {
    // After the first error nothing new is begun, but what is under way is awaited: nothing moves behind our back.
    if (errors.length > 0) return
    try {
      stopIfTold()
      await moveWithRetries(storage, route, one)
    } catch (error) {
      errors.push(error)
    }
  }
  async function* untilAnError(): AsyncGenerator<Entry> {
    try {
      for await (const one of objects) {
        if (errors.length > 0) return
        yield one
      }
    } catch (error) {
      errors.push(error)
    }
  }
  await pMap(untilAnError(), move, { concurrency: CONCURRENT_MOVES })
  if (errors.length > 0) throw errors[0]
}

async function moveWithRetries(storage: Storage, route: Route, entry: Entry): Promise<void> {
  for (const pause of RETRY_PAUSES_MS) {
    try {
      return await moveObject(storage, route, entry)
    } catch (error) {
      if (!isPassing(error)) throw error
      await pauseFor(pause)
    }
  }
  await moveObject(storage, route, entry)
}

async function moveObject(storage: Storage, { from, to }: Route, { name, object }: Entry): Promise<void> {
  const { generation } = object
  try {
    await copyObject(storage, { folder: from, name, generation }, { folder: to, name })
  } catch (error) {
    // 412: the target is there, perhaps from a try whose reply was lost. 404: the source has gone or has changed; the
    // check below tells which.
    if (!isPreconditionFailed(error) && !isNotFound(error)) throw error
  }
  const arrived = await describe(storage, to, name)
  if (arrived === undefined || !sameBytes(arrived, object)) {
    const found = arrived === undefined ? 'is not there' : 'holds other bytes'
    throw failure(
      'RawFilesChanged',
      `${from.uri}${name} could not be moved: after the copy, ${to.uri}${name} ${found}. Nothing was deleted.`,
    )
  }
  try {
    await deleteObject(storage, from, name, generation)
  } catch (error) {
    if (!isPreconditionFailed(error)) throw error
    throw failure(
      'RawFilesChanged',
      `${from.uri}${name} was overwritten while it was being moved; the newer one is left in place.`,
    )
  }
}

async function describe(
  storage: Storage,
  folder: OwnFolder,
  name: string,
): Promise<Pick<ObjectDescription, 'size' | 'crc32c'> | undefined> {
  try {
    const [metadata] = await folder.file(storage, name).getMetadata()
    return { size: Number(metadata.size), crc32c: String(metadata.crc32c) }
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}
