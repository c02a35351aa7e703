import { invalid } from './errors.ts'

/** One part of a multipart body; header names in lower case. */
export interface Part {
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

const BLANK_LINE = Buffer.from('\r\n\r\n')

/**
 * Splits a multipart body (RFC 2046).
 * @throws StorageError 400
 */
export function parseMultipart(contentType: string | undefined, body: Buffer): Part[] {
  const [, quoted, plain] = /boundary=(?:["']([^"']+)["']|([^;\s]+))/i.exec(contentType ?? '') ?? []
  const boundary = quoted ?? plain
  if (boundary === undefined) throw invalid('Bad content type: a multipart body needs a boundary.')
  // The line break before a delimiter belongs to the delimiter; the first one may stand at the very beginning.
  const whole = Buffer.concat([Buffer.from('\r\n'), body])
  const delimiter = Buffer.from(`\r\n--${boundary}`)
  const parts: Part[] = []
  let start = whole.indexOf(delimiter)
  while (start !== -1) {
    const contentStart = start + delimiter.length
    if (whole.toString('latin1', contentStart, contentStart + 2) === '--') return parts
    const end = whole.indexOf(delimiter, contentStart)
    if (end === -1) break
    parts.push(readPart(whole.subarray(whole.indexOf('\r\n', contentStart) + 2, end)))
    start = end
  }
  throw invalid('The multipart body ends before its closing boundary.')
}

/** Reads header lines, a blank line and the rest as body. */
export function readPart(text: Buffer): Part {
  if (text.subarray(0, 2).toString('latin1') === '\r\n') return { headers: {}, body: text.subarray(2) }
  const end = text.indexOf(BLANK_LINE)
  const head = end === -1 ? text : text.subarray(0, end)
  const headers: Record<string, string> = {}
  for (const line of head.toString('utf8').split('\r\n')) {
    const colon = line.indexOf(':')
    if (colon > 0) headers[line.slice(0, colon).trim().toLowerCase()] = line.slice(colon + 1).trim()
  }
  return { headers, body: end === -1 ? Buffer.alloc(0) : text.subarray(end + BLANK_LINE.length) }
}
