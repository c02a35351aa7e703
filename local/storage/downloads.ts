import { gunzipSync } from 'node:zlib'
import type { StorageError } from './errors.ts'
import { emptyReply, type StorageReply, type StorageRequest } from './http.ts'
import type { StoredObject } from './object-store.ts'
import { entityTag } from './resources.ts'

/**
 * An object's content, with the headers that clients check it by. Gzip-encoded content is sent unpacked to a client that
 * does not accept gzip; the range is then ignored.
 * @see https://cloud.google.com/storage/docs/transcoding
 */
export function downloadReply(object: StoredObject, { headers }: StorageRequest): StorageReply {
  const storedEncoding = text(object.attributes['contentEncoding'])
  const common = commonHeaders(object, storedEncoding ?? 'identity')
  if (storedEncoding === 'gzip' && mustUnpack(object, headers['accept-encoding'])) {
    const unpacked = tryUnpack(object.content)
    if (unpacked !== undefined)
      return { status: 200, headers: { ...common, vary: 'Accept-Encoding' }, body: unpacked }
  }
  if (storedEncoding !== undefined) common['content-encoding'] = storedEncoding
  common['accept-ranges'] = 'bytes'
  const range = readRange(headers.range, object.content.length)
  if (range === undefined) return { status: 200, headers: common, body: object.content }
  if (range === 'unsatisfiable') {
    return emptyReply(416, { ...common, 'content-range': `bytes */${object.content.length}` })
  }
  const [start, end] = range
  const contentRange = `bytes ${start}-${end}/${object.content.length}`
  return {
    status: 206,
    headers: { ...common, 'content-range': contentRange },
    body: object.content.subarray(start, end + 1),
  }
}

function commonHeaders(object: StoredObject, storedEncoding: string): Record<string, string> {
  const { attributes } = object
  const md5 = object.md5Hash === undefined ? '' : `,md5=${object.md5Hash}`
  const headers: Record<string, string> = {
    'content-type': text(attributes['contentType']) ?? 'application/octet-stream',
    etag: `"${entityTag(object)}"`,
    'last-modified': new Date(object.updated).toUTCString(),
    'x-goog-generation': String(object.generation),
    'x-goog-metageneration': String(object.metageneration),
    'x-goog-hash': `crc32c=${object.crc32c}${md5}`,
    'x-goog-storage-class': text(attributes['storageClass']) ?? 'STANDARD',
    'x-goog-stored-content-encoding': storedEncoding,
    'x-goog-stored-content-length': String(object.content.length),
  }
  const optional = {
    'cache-control': 'cacheControl',
    'content-disposition': 'contentDisposition',
    'content-language': 'contentLanguage',
  }
  for (const [header, attribute] of Object.entries(optional)) {
    const value = text(attributes[attribute])
    if (value !== undefined) headers[header] = value
  }
  return headers
}

function mustUnpack(object: StoredObject, accepted: string | string[] | undefined): boolean {
  const noTransform = text(object.attributes['cacheControl'])?.includes('no-transform') ?? false
  return !noTransform && !String(accepted ?? '').includes('gzip')
}

/** Content that claims to be gzip and is not is sent as it lies. */
function tryUnpack(content: Buffer): Buffer | undefined {
  try {
    return gunzipSync(content)
  } catch {
    return undefined
  }
}

/** First and last byte, both inclusive; undefined where there is no range or one that HTTP says to ignore (RFC 9110). */
function readRange(header: string | undefined, size: number): [number, number] | 'unsatisfiable' | undefined {
  const [, from, to] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? []
  if (from === undefined || to === undefined || (from === '' && to === '')) return undefined
  if (from === '')
    return Number(to) === 0 || size === 0 ? 'unsatisfiable' : [Math.max(0, size - Number(to)), size - 1]
  const start = Number(from)
  const end = to === '' ? size - 1 : Math.min(Number(to), size - 1)
  if (start >= size) return 'unsatisfiable'
  return end < start ? undefined : [start, end]
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** For a download, an error is plain text and not the JSON body. */
export function downloadError(error: StorageError): StorageReply {
  return {
    status: error.status,
    headers: { 'content-type': 'text/html; charset=UTF-8' },
    body: Buffer.from(error.message),
  }
}
