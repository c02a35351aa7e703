import { createHash } from 'node:crypto'
import { Problem } from '../problem.ts'

const DIGEST_BYTES = 8

/** A page token of Temporal as a cursor for callers. It carries a digest of the query that it belongs to. */
export function cursorOf(token: Uint8Array, query: string): string {
  return Buffer.concat([digest(token, query), token]).toString('base64url')
}

/**
 * The page token in a cursor. A token that Temporal did not give, or for another query, would be answered like an outage.
 * @throws Problem 400
 */
export function tokenIn(cursor: string, query: string): Uint8Array {
  const bytes = Buffer.from(cursor, 'base64url')
  const token = bytes.subarray(DIGEST_BYTES)
  if (token.length === 0 || !digest(token, query).equals(bytes.subarray(0, DIGEST_BYTES))) {
    throw new Problem(400, 'cursor is not one that this list gave for these filters. Begin again without it.')
  }
  return token
}

function digest(token: Uint8Array, query: string): Buffer {
  return createHash('sha256').update(query).update('\0').update(token).digest().subarray(0, DIGEST_BYTES)
}
