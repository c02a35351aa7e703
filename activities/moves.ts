import type { Storage } from '@google-cloud/storage'
import pMap from 'p-map'
import { failure, isNotFound, isPassing, isPreconditionFailed } from './failures.ts'
import { pauseFor, stopIfTold } from './long-running.ts'
import { fileAt, type ObjectDescription, sameBytes } from './objects.ts'

// Wide enough to hide a round trip of tens of milliseconds, narrow enough for one connection pool.
const CONCURRENT_MOVES = 32

// One call in thousands meets a server error. The client does not repeat every delete, and another try of the whole
// activity lists everything again, so a move is done again by itself.
const RETRY_PAUSES_MS = [250, 1_000, 4_000]

/** One object to move. */
export interface Move {
  readonly from: string
  readonly to: string
  /** The object at `from`, whose bytes must arrive. */
  readonly object: ObjectDescription
}

/**
 * Moves objects: copy, verify, delete, each tied to a generation, so that a move that was interrupted is finished by doing
 * it again, and nothing that changed meanwhile is lost.
 */
export async function moveObjects(
  storage: Storage,
  moves: Iterable<Move> | AsyncIterable<Move>,
): Promise<void> {
  const errors: unknown[] = []
  const move = async (one: Move): Promise<void> => {
    // After the first error nothing new is begun, but what is under way is awaited: nothing moves behind our back.
    if (errors.length > 0) return
    try {
      stopIfTold()
      await moveWithRetries(storage, one)
    } catch (error) {
      errors.push(error)
    }
  }
  async function* untilAnError(): AsyncGenerator<Move> {
    try {
      for await (const one of moves) {
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

async function moveWithRetries(storage: Storage, move: Move): Promise<void> {
  for (const pause of RETRY_PAUSES_MS) {
    try {
      return await moveObject(storage, move)
    } catch (error) {
      if (!isPassing(error)) throw error
      await pauseFor(pause)
    }
  }
  await moveObject(storage, move)
}

async function moveObject(storage: Storage, { from, to, object }: Move): Promise<void> {
  const source = fileAt(storage, from)
  const pinned = source.bucket.file(source.name, { generation: object.generation })
  const target = fileAt(storage, to)
  try {
    await pinned.copy(target, { preconditionOpts: { ifGenerationMatch: 0 } })
  } catch (error) {
    // 412: the target is there, perhaps from a try whose reply was lost. 404: the source has gone or has changed; the
    // check below tells which.
    if (!isPreconditionFailed(error) && !isNotFound(error)) throw error
  }
  const arrived = await describe(storage, to)
  if (arrived === undefined || !sameBytes(arrived, object)) {
    const found = arrived === undefined ? 'is not there' : 'holds other bytes'
    throw failure(
      'RawFilesChanged',
      `${from} could not be moved: after the copy, ${to} ${found}. Nothing was deleted.`,
    )
  }
  try {
    await source.delete({ ifGenerationMatch: object.generation })
  } catch (error) {
    if (isPreconditionFailed(error)) {
      throw failure(
        'RawFilesChanged',
        `${from} was overwritten while it was being moved; the newer one is left in place.`,
      )
    }
    if (!isNotFound(error)) throw error
  }
}

async function describe(storage: Storage, uri: string): Promise<ObjectDescription | undefined> {
  try {
    const [metadata] = await fileAt(storage, uri).getMetadata()
    return {
      name: String(metadata.name),
      generation: String(metadata.generation),
      size: Number(metadata.size),
      crc32c: String(metadata.crc32c),
    }
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}
