import { createReadStream } from 'node:fs'

/** A piece of a file that ends with a line feed or with the file. */
export interface Line {
  /** Without the line feed and a carriage return before it. */
  readonly bytes: Buffer
  /** Where it begins, in bytes. */
  readonly offset: number
}

const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d

/** Reads a file line by line, with offsets; bytes are left as they are. */
export async function* linesOf(path: string): AsyncGenerator<Line> {
  let rest: Buffer = Buffer.alloc(0)
  let offset = 0
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
    const bytes: Buffer = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    let start = 0
    for (let end = bytes.indexOf(LINE_FEED); end >= 0; end = bytes.indexOf(LINE_FEED, start)) {
      yield { bytes: withoutReturn(bytes.subarray(start, end)), offset: offset + start }
      start = end + 1
    }
    rest = bytes.subarray(start)
    offset += start
  }
  if (rest.length > 0) yield { bytes: withoutReturn(rest), offset }
}

function withoutReturn(bytes: Buffer): Buffer {
  return bytes.at(-1) === CARRIAGE_RETURN ? bytes.subarray(0, -1) : bytes
}

/** Text of bytes, without a byte order mark. @returns nothing if they are not UTF-8 */
export function decodeUtf8(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}
