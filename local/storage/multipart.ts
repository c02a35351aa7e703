import { invalid } from './errors.ts'

/** One part of a multipart body; header names in lower case. */
export interface Part {
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/**
 * Splits a multipart body (RFC 2046). Lines end as the first one does: Python's clients send bare line feeds.
 * @throws StorageError 400
 */
export function parseMultipart(contentType: string | undefined, body: Buffer): Part[] {
  const [, quoted, plain] = /boundary=(?:["']([^"']+)["']|([^;\s]+))/i.exec(contentType ?? '') ?? []
  const boundary = quoted ?? plain
  if (boundary === undefined) throw invalid('Bad content type: a multipart body needs a boundary.')
  const firstLine = body.subarray(0, body.indexOf('\n', body.indexOf(`--${boundary}`)) + 1).toString('latin1')
  const lineEnd = firstLine.endsWith('\r\n') ? '\r\n' : '\n'
  // The line break before a delimiter belongs to the delimiter; the first one may stand at the very beginning.
  const whole = Buffer.concat([Buffer.from(lineEnd), body])
  const delimiter = Buffer.from(`${lineEnd}--${boundary}`)
  const parts: Part[] = []
  let start = whole.indexOf(delimiter)
  while (start !== -1) {
    const contentStart = start + delimiter.length
    if (whole.toString('latin1', contentStart, contentStart + 2) === '--') return parts
    const end = whole.indexOf(delimiter, contentStart)
    if (end === -1) break
    parts.push(readPart(whole.subarray(whole.indexOf(lineEnd, contentStart) + lineEnd.length, end)))
    start = end
  }
  throw invalid('The multipart body ends before its closing boundary.')
}

/** Reads header lines, a blank line and the rest as body; lines may end in either way. */
export function readPart(text: Buffer): Part {
  const headers: Record<string, string> = {}
  let position = 0
  while (position < text.length) {
    const end = text.indexOf('\n', position)
    const line = text.toString('utf8', position, end === -1 ? text.length : end).trimEnd()
    position = end === -1 ? text.length : end + 1
    if (line === '') break
    const colon = line.indexOf(':')
    if (colon > 0) headers[line.slice(0, colon).trim().toLowerCase()] = line.slice(colon + 1).trim()
  }
  return { headers, body: text.subarray(position) }
}
