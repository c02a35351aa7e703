import { checksumsOfHeader, type DeclaredChecksums } from './checksums.ts'
import { invalid, StorageError } from './errors.ts'
import { jsonReply, parseJsonObject, type StorageReply, type StorageRequest, stringProperty } from './http.ts'
import type { AuthorizedStore } from './iam/authorized-store.ts'
import { parseMultipart } from './multipart.ts'
import type { ObjectAttributes } from './object-store.ts'
import { readConditions } from './preconditions.ts'
import { objectResource, writableAttributes } from './resources.ts'

/** What the metadata part of an upload, its query and its headers say about the object to be. */
export interface UploadTarget {
  readonly name: string
  readonly attributes: ObjectAttributes
  readonly declared: DeclaredChecksums
}

/** `objects.insert` with `uploadType=media`: the body is the content. */
export function insertMedia(store: AuthorizedStore, bucket: string, request: StorageRequest): StorageReply {
  refuseTruncated(request)
  const contentMd5 = request.headers['content-md5']
  const target = uploadTarget(request, {
    ...(typeof contentMd5 === 'string' ? { md5Hash: contentMd5 } : {}),
    contentType: request.headers['content-type'] ?? 'application/octet-stream',
  })
  return insert(store, bucket, request, target, request.body)
}

/** `objects.insert` with `uploadType=multipart`: a part with the resource in JSON, then one with the content. */
export function insertMultipart(
  store: AuthorizedStore,
  bucket: string,
  request: StorageRequest,
): StorageReply {
  refuseTruncated(request)
  const [metadata, content, ...more] = parseMultipart(request.headers['content-type'], request.body)
  if (metadata === undefined || content === undefined || more.length > 0) {
    throw invalid('A multipart upload has exactly two parts: metadata and content.')
  }
  const resource = parseJsonObject(metadata.body)
  const contentType = stringProperty(resource, 'contentType') ?? content.headers['content-type']
  const target = uploadTarget(request, {
    ...resource,
    contentType: contentType ?? 'application/octet-stream',
  })
  // A copy, since the part is a view that would keep the whole request body alive.
  return insert(store, bucket, request, target, Buffer.from(content.body))
}

/**
 * Joins the resource with the query's `name` and `contentEncoding` and with the `x-goog-hash` header.
 * @throws StorageError 400 without a name
 */
export function uploadTarget(
  { query, headers }: StorageRequest,
  resource: Readonly<Record<string, unknown>>,
): UploadTarget {
  const name = query.get('name') ?? stringProperty(resource, 'name')
  if (name === undefined) throw new StorageError(400, 'required', 'Required parameter: name')
  const contentEncoding = query.get('contentEncoding')
  const header = headers['x-goog-hash']
  const declared = checksumsOfHeader(Array.isArray(header) ? header.join(',') : header)
  const crc32c = stringProperty(resource, 'crc32c')
  const md5Hash = stringProperty(resource, 'md5Hash')
  return {
    name,
    attributes: writableAttributes({ ...resource, ...(contentEncoding === null ? {} : { contentEncoding }) }),
    declared: {
      ...declared,
      ...(crc32c === undefined ? {} : { crc32c }),
      ...(md5Hash === undefined ? {} : { md5Hash }),
    },
  }
}

function insert(
  store: AuthorizedStore,
  bucket: string,
  request: StorageRequest,
  target: UploadTarget,
  content: Buffer,
): StorageReply {
  const { attributes, declared } = target
  const conditions = readConditions(request.query)
  const object = store.put(bucket, target.name, { content, attributes, declared, conditions })
  return jsonReply(objectResource(object, request.origin))
}

/** Half a body must never become an object; nobody is there to read the answer. */
function refuseTruncated(request: StorageRequest): void {
  if (request.truncated) throw invalid('The request ended before its body was complete.')
}
