/** Files of a JSON object a line, read in pieces, so that memory does not grow with a batch. */

import type { File, Storage } from '@google-cloud/storage'
import { bytesOf, withObject } from '../objects.ts'

/** A larger file is read in pieces. Of a manifest this holds some 1,700 files. */
const PIECE_BYTES = 1 << 18

// Cloud Storage's names have 1,024 bytes, of which JSON may make six each.
const MAX_LINE_BYTES = 8 * 1024

/** Makes the error for a file that is not what it should be. @param what follows the file's URI */
export type Refusal = (what: string) => Error

type Pieces = Iterable<Buffer> | AsyncIterable<Buffer>

/** Opens a file; what is returned reads its lines and may be called again. Nothing if there is no such file. */
export async function openLines(
  storage: Storage,
  uri: string,
  refusal: Refusal,
): Promise<(() => AsyncGenerator<string>) | undefined> {
  return withObject(storage, uri, async (pinned, _, size) => {
    if (size > PIECE_BYTES) return () => linesOf(piecesOf(pinned, size), refusal)
    const whole = await bytesOf(pinned)
    return () => linesOf([whole], refusal)
  })
}

/** The lines in some pieces, which may end within a line. */
export async function* linesOf(pieces: Pieces, refusal: Refusal): AsyncGenerator<string> {
  let rest = Buffer.alloc(0)
  for await (const piece of pieces) {
    const bytes = rest.length === 0 ? piece : Buffer.concat([rest, piece])
    let start = 0
    for (let end = bytes.indexOf('\n'); end >= 0; end = bytes.indexOf('\n', start)) {
      if (end > start) yield bytes.toString('utf8', start, end)
      start = end + 1
    }
    rest = Buffer.from(bytes.subarray(start))
    if (rest.length > MAX_LINE_BYTES) throw refusal(`holds a line of over ${MAX_LINE_BYTES} bytes`)
  }
  if (rest.length > 0) yield rest.toString()
}

/** Parses a line. */
export function parseLine(line: string, refusal: Refusal): unknown {
  try {
    return JSON.parse(line)
  } catch {
    throw refusal('holds a line that is no JSON')
  }
}

/** Each piece is a call of its own, since a stream that is read slowly, while files are moved, would be cut off. */
async function* piecesOf(file: File, size: number): AsyncGenerator<Buffer> {
  for (let start = 0; start < size; start += PIECE_BYTES) {
    yield await bytesOf(file, { start, end: Math.min(start + PIECE_BYTES, size) - 1 })
  }
}
