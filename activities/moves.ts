import type { Storage } from '@google-cloud/storage'
import pMap from 'p-map'
import { failure, isKept, isNotFound, isPassing, isPreconditionFailed, passingFailure } from './failures.ts'
import { pauseFor, stopIfTold } from './long-running.ts'
import { type Entry, type ObjectDescription, sameBytes } from './objects.ts'
import { copyObject, deleteObject } from './storage/effects.ts'
import type { OwnFolder } from './storage/own-folder.ts'

// Wide enough to hide a round trip of tens of milliseconds, narrow enough for one connection pool.
const CONCURRENT_MOVES = 32

// One call in thousands meets a server error. The client does not repeat every delete, and another try of the whole
// activity lists everything again, so a move is done again by itself.
const RETRY_PAUSES_MS = [250, 1_000, 4_000]

// Another copy is made when the first one's reply was lost, or when another mover was faster; each costs a call or two.
const MAX_COPIES = 5

/** From where to where objects are moved, under the same names. */
export interface Route {
  readonly from: OwnFolder
  readonly to: OwnFolder
}

/**
 * Moves objects: copy, verify, delete, each tied to a generation, so that a move that was interrupted is finished by doing
 * it again, nothing that changed meanwhile is lost, and of movers that overtake each other none deletes the last copy.
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

/**
 * Whoever deletes an object has made the copy that takes its place, and has made it before. So a copy that somebody else
 * relies on is never found, but replaced: it is another generation then, and a delete that still counts on it, in a worker
 * that was frozen, is refused by Cloud Storage.
 */
async function moveObject(storage: Storage, { from, to }: Route, { name, object }: Entry): Promise<void> {
  const { generation } = object
  await copyOver(storage, { from, to }, { name, object })
  try {
    await deleteObject(storage, from, name, generation)
  } catch (error) {
    if (!isPreconditionFailed(error)) throw error
    const present = await describe(storage, from, name)
    if (present === undefined || sameBytes(present, object)) throw conflict(from, name)
    throw failure(
      'RawFilesChanged',
      `${from.uri}${name} was overwritten while it was being moved; the newer one is left in place.`,
    )
  }
}

/**
 * Copies an object to where there is none, or over one that holds the same bytes.
 * @throws RawFilesChanged when its bytes are not there then
 */
async function copyOver(storage: Storage, { from, to }: Route, { name, object }: Entry): Promise<void> {
  const refusal = (found: string): Error =>
    failure('RawFilesChanged', `${from.uri}${name} could not be moved: ${found}. Nothing was deleted.`)
  const target = `${to.uri}${name}`
  let replaced: string | 0 = 0
  for (let tries = 0; tries < MAX_COPIES; tries++) {
    try {
      const source = { folder: from, name, generation: object.generation }
      const copy = await copyObject(storage, source, { folder: to, name, replaced })
      if (sameBytes(copy, object)) return
      throw refusal(`its copy ${target} holds other bytes`)
    } catch (error) {
      if (!isPreconditionFailed(error) && !isNotFound(error) && !isKept(error)) throw error
      const present = await describe(storage, to, name)
      const isThere = present !== undefined && sameBytes(present, object)
      if (isPreconditionFailed(error)) {
        if (present !== undefined && !isThere) throw refusal(`${target} holds other bytes`)
        // It may be the copy of this very call, whose first reply was lost, or that of another mover.
        replaced = present?.generation ?? 0
      } else if (isThere) {
        // The source went with an earlier try; or the target may not be replaced, so nobody can delete it either.
        return
      } else {
        throw isKept(error)
          ? error
          : refusal(`it has vanished or changed, and ${target} does not hold its bytes`)
      }
    }
  }
  throw conflict(to, name)
}

/** Another try proves first that it still may. */
function conflict(folder: OwnFolder, name: string): Error {
  return passingFailure(
    'StorageConflict',
    `${folder.uri}${name} is being moved by somebody else, too. An activity of a run that was terminated or reset may still be alive on its worker.`,
  )
}

async function describe(
  storage: Storage,
  folder: OwnFolder,
  name: string,
): Promise<Pick<ObjectDescription, 'generation' | 'size' | 'crc32c'> | undefined> {
  try {
    const [{ generation, size, crc32c }] = await folder.file(storage, name).getMetadata()
    return { generation: String(generation), size: Number(size), crc32c: String(crc32c) }
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}
