import { isSameDigest, keyedDigest } from '../keyed-digest.ts'
import { Problem } from '../problem.ts'

const DIGEST_BYTES = 16

/** What a cursor is good for: one query, of one caller. */
export interface CursorUse {
  readonly secret: string
  readonly query: string
  readonly caller: string
}

/** A page token of Temporal as a cursor for one caller. Its digest shows that this gateway gave it, and for what. */
export function cursorOf(token: Uint8Array, use: CursorUse): string {
  return Buffer.concat([digest(token, use), token]).toString('base64url')
}

/**
 * The page token in a cursor. Only what `cursorOf` gave for this use reaches Temporal.
 * @throws Problem 400
 */
export function tokenIn(cursor: string, use: CursorUse): Uint8Array {
  const bytes = Buffer.from(cursor, 'base64url')
  const token = bytes.subarray(DIGEST_BYTES)
  // One cursor has one spelling: the decoder takes others for it.
  const isWhole = token.length > 0 && bytes.toString('base64url') === cursor
  if (!isWhole || !isSameDigest(digest(token, use), bytes.subarray(0, DIGEST_BYTES))) {
    throw new Problem(400, 'cursor is not one that this list gave for these filters. Begin again without it.')
  }
  return token
}

function digest(token: Uint8Array, { secret, query, caller }: CursorUse): Buffer {
  return keyedDigest(secret, 'cursor', caller, query, token).subarray(0, DIGEST_BYTES)
}
