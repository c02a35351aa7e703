/** The one reader of what the pipeline, a job or somebody else has written down as JSON. */

import type { Storage } from '@google-cloud/storage'
import type { Static, TSchema } from 'typebox'
import { Value } from 'typebox/value'
import { failure } from '../failures.ts'
import { bytesOf, withObject } from '../objects.ts'

/** Largest note, in bytes. Ours have a few hundred. */
const MAX_BYTES = 64 * 1024

/** A note with the generation that a later write can be tied to. */
export interface Note<T> {
  readonly value: T
  readonly generation: string
}

/** Says that an object is no note of the kind that is looked for. */
export class NoteError extends Error {
  override readonly name = 'NoteError'
}

/**
 * Reads a small JSON object that fits a schema; nothing if there is none.
 * @throws NoteError when it is too large, no JSON, or of another shape. Its message follows the object's URI.
 */
export async function readJson<T extends TSchema>(
  storage: Storage,
  uri: string,
  schema: T,
): Promise<Note<Static<T>> | undefined> {
  return withObject(storage, uri, async (pinned, generation, size) => {
    if (size > MAX_BYTES) throw new NoteError(`has ${size} bytes, and at most ${MAX_BYTES} are read`)
    const value = parse((await bytesOf(pinned)).toString('utf8'))
    const [fault] = Value.Errors(schema, value)
    if (fault !== undefined) {
      throw new NoteError(`does not have its form: ${fault.instancePath || 'the whole'} ${fault.message}`)
    }
    return { value: value as Static<T>, generation }
  })
}

/**
 * Reads a note of the worker's own; nothing if there is none.
 * @throws NoteUnreadable, which is final: the same object would be no better the next time
 */
export async function readNote<T extends TSchema>(
  storage: Storage,
  uri: string,
  schema: T,
): Promise<Note<Static<T>> | undefined> {
  try {
    return await readJson(storage, uri, schema)
  } catch (error) {
    if (error instanceof NoteError) throw unreadable(uri, error.message)
    throw error
  }
}

/** The failure for a note that cannot be believed. @param what follows its URI */
export function unreadable(uri: string, what: string): Error {
  return failure('NoteUnreadable', `The note ${uri} ${what}. Nothing was done on its word.`)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new NoteError('is no JSON')
  }
}
