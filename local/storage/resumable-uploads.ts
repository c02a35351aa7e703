import { randomBytes } from 'node:crypto'
import { invalid, StorageError } from './errors.ts'
import { emptyReply, jsonReply, parseJsonObject, type StorageReply, type StorageRequest } from './http.ts'
import type { AuthorizedStore } from './iam/authorized-store.ts'
import { type Conditions, readConditions } from './preconditions.ts'
import { objectResource } from './resources.ts'
import { type UploadTarget, uploadTarget } from './uploads.ts'

/** Cloud Storage keeps an unfinished upload in whole multiples of this. */
const CHUNK_UNIT = 256 * 1024

interface Session {
  /** As the one who has opened it may write it: whoever knows the session's address goes on with those rights. */
  readonly store: AuthorizedStore
  readonly bucket: string
  readonly target: UploadTarget
  readonly conditions: Conditions
  readonly chunks: Buffer[]
  received: number
  /** Set once the object is made: the client that lost the answer asks again and gets the same. */
  resource?: object
}

/** What a `Content-Range` says; undefined numbers are its asterisks. */
interface ContentRange {
  readonly start?: number
  readonly end?: number
  readonly total?: number
  /** A span of `*`: carries no content. */
  readonly isQuery: boolean
}

/** Reads the header's forms; without it the request carries the whole content. @throws StorageError 400 */
function parseContentRange(header: string | undefined): ContentRange {
  if (header === undefined) return { start: 0, isQuery: false }
  const [, span, start, end, total] = /^bytes (\*|(\d+)-(\d+|\*))\/(\d+|\*)$/.exec(header) ?? []
  if (span === undefined) throw invalid(`Failed to parse Content-Range header: '${header}'.`)
  return {
    isQuery: span === '*',
    ...(start === undefined ? {} : { start: Number(start) }),
    ...(end === undefined || end === '*' ? {} : { end: Number(end) }),
    ...(total === undefined || total === '*' ? {} : { total: Number(total) }),
  }
}

/**
 * Resumable uploads: a session holds what has arrived; the object is made at once when the last byte is there, and the
 * preconditions are held against what is live then.
 * @see https://cloud.google.com/storage/docs/performing-resumable-uploads
 */
export class ResumableUploads {
  readonly #sessions = new Map<string, Session>()

  /** Opens a session. What is not allowed, or a precondition that fails, already now is refused now, before the content is sent. */
  start(store: AuthorizedStore, bucket: string, request: StorageRequest): StorageReply {
    const resource = parseJsonObject(request.body)
    const contentType = request.headers['x-upload-content-type'] ?? 'application/octet-stream'
    const target = uploadTarget(request, { contentType, ...resource })
    const conditions = readConditions(request.query)
    store.checkPut(bucket, target.name, conditions)
    const id = randomBytes(24).toString('base64url')
    this.#sessions.set(id, { store, bucket, target, conditions, chunks: [], received: 0 })
    const query = new URLSearchParams({ uploadType: 'resumable', name: target.name, upload_id: id })
    const location = `${request.origin}/upload/storage/v1/b/${encodeURIComponent(bucket)}/o?${query}`
    return emptyReply(200, { location, 'x-guploader-uploadid': id })
  }

  /** Takes a chunk, or answers how much is there. 308 while more is awaited, 200 with the resource when it is done. */
  put(request: StorageRequest): StorageReply {
    const id = request.query.get('upload_id') ?? ''
    const session = this.#sessions.get(id)
    if (session === undefined)
      throw new StorageError(404, 'notFound', 'The upload session does not exist or has ended.')
    if (session.resource !== undefined) return jsonReply(session.resource)
    const range = parseContentRange(request.headers['content-range'])
    const complete = range.isQuery ? range.total === session.received : append(session, range, request)
    if (!complete) return incomplete(session)
    try {
      return this.#finish(session, request)
    } catch (error) {
      this.#sessions.delete(id)
      throw error
    }
  }

  /** Gives the session up; Cloud Storage answers 499. */
  cancel({ query }: StorageRequest): StorageReply {
    this.#sessions.delete(query.get('upload_id') ?? '')
    return emptyReply(499)
  }

  #finish(session: Session, { origin }: StorageRequest): StorageReply {
    const { store, bucket, target, conditions } = session
    const content = Buffer.concat(session.chunks)
    const { attributes, declared } = target
    const object = store.put(bucket, target.name, { content, attributes, declared, conditions })
    session.chunks.length = 0
    session.resource = objectResource(object, origin)
    return jsonReply(session.resource)
  }
}

/** Adds the part of the body that is new. Returns whether the content is complete. @throws StorageError 400, 503 */
function append(session: Session, range: ContentRange, { body, truncated }: StorageRequest): boolean {
  const start = range.start ?? 0
  if (start > session.received) {
    const message = `Invalid request. According to the Content-Range header, the upload offset is ${start} byte(s), which exceeds already uploaded size of ${session.received} byte(s).`
    throw new StorageError(503, 'backendError', message)
  }
  const expected = range.end === undefined ? undefined : range.end - start + 1
  if (!truncated && expected !== undefined && expected !== body.length) {
    throw invalid(
      `Invalid request. There were ${body.length} byte(s) in the request body; the Content-Range header says ${expected}.`,
    )
  }
  const fresh = body.subarray(session.received - start)
  const arrived = session.received + fresh.length
  // The end is known from the total, or is the end of the body when the client streams without one.
  const complete = !truncated && (range.end === undefined ? true : range.total === arrived)
  const kept = complete ? fresh.length : Math.max(0, arrived - (arrived % CHUNK_UNIT) - session.received)
  if (kept > 0) session.chunks.push(fresh.subarray(0, kept))
  session.received += Math.min(kept, fresh.length)
  if (complete && range.total !== undefined && range.total !== session.received) {
    throw invalid(
      `Invalid request. The upload has ${session.received} byte(s); the Content-Range header says ${range.total}.`,
    )
  }
  return complete
}

function incomplete({ received }: Session): StorageReply {
  return emptyReply(308, received === 0 ? {} : { range: `bytes=0-${received - 1}` })
}
