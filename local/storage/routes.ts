import {
  deleteBucket,
  getBucket,
  insertBucket,
  listBuckets,
  patchBucket,
  storageLayout,
  testPermissions,
} from './bucket-calls.ts'
import { composeObjects, copyObject, moveObject, rewriteObject } from './copies.ts'
import { downloadError, downloadReply } from './downloads.ts'
import { invalid, StorageError } from './errors.ts'
import { emptyReply, jsonReply, parseJsonObject, type StorageReply, type StorageRequest } from './http.ts'
import { listObjects } from './listing.ts'
import { longParameter, readConditions } from './preconditions.ts'
import { objectResource, writableAttributes } from './resources.ts'
import type { StorageState } from './state.ts'
import { insertMedia, insertMultipart } from './uploads.ts'

/** A request's call name, as in the API's reference, and what answers it. */
export interface RoutedCall {
  readonly call: string
  answer(state: StorageState, request: StorageRequest): StorageReply
}

type Answer = (state: StorageState, request: StorageRequest, names: string[]) => StorageReply

interface Route {
  readonly method: string
  readonly path: RegExp
  /** Only requests whose query has this parameter, with this value if one is given. */
  readonly query?: readonly [name: string, value?: string]
  readonly call: string
  readonly answer: Answer
}

const B = '/storage/v1/b'
const UPLOAD = /^(?:\/resumable)?\/upload\/storage\/v1\/b\/([^/]+)\/o\/?$/
const OBJECT = new RegExp(`^${B}/([^/]+)/o/([^/]+)$`)
const BUCKET = new RegExp(`^${B}/([^/]+)$`)

/** Tried in this order; patterns see the path still encoded, so a slash in an object's name is never a separator. */
const routes: readonly Route[] = [
  { method: 'GET', path: new RegExp(`^${B}/?$`), call: 'buckets.list', answer: listBuckets },
  { method: 'POST', path: new RegExp(`^${B}/?$`), call: 'buckets.insert', answer: insertBucket },
  { method: 'GET', path: BUCKET, call: 'buckets.get', answer: getBucket },
  { method: 'PATCH', path: BUCKET, call: 'buckets.patch', answer: patchBucket },
  { method: 'DELETE', path: BUCKET, call: 'buckets.delete', answer: deleteBucket },
  {
    method: 'GET',
    path: new RegExp(`^${B}/([^/]+)/iam/testPermissions$`),
    call: 'buckets.testIamPermissions',
    answer: testPermissions,
  },
  {
    method: 'GET',
    path: new RegExp(`^${B}/([^/]+)/storageLayout$`),
    call: 'buckets.getStorageLayout',
    answer: storageLayout,
  },
  {
    method: 'GET',
    path: new RegExp(`^${B}/([^/]+)/o/?$`),
    call: 'objects.list',
    answer: ({ store }, request, [b = '']) => listObjects(store, b, request),
  },
  { method: 'GET', path: OBJECT, query: ['alt', 'media'], call: 'objects.getMedia', answer: getMedia },
  { method: 'GET', path: OBJECT, call: 'objects.get', answer: getObject },
  { method: 'PATCH', path: OBJECT, call: 'objects.patch', answer: changeObject('patch') },
  { method: 'PUT', path: OBJECT, call: 'objects.update', answer: changeObject('update') },
  { method: 'DELETE', path: OBJECT, call: 'objects.delete', answer: deleteObject },
  {
    method: 'POST',
    path: new RegExp(`^${B}/([^/]+)/o/([^/]+)/compose$`),
    call: 'objects.compose',
    answer: ({ store }, request, [bucket = '', name = '']) =>
      composeObjects(store, { bucket, name }, request),
  },
  {
    method: 'POST',
    path: new RegExp(`^${B}/([^/]+)/o/([^/]+)/copyTo/b/([^/]+)/o/([^/]+)$`),
    call: 'objects.copy',
    answer: between(copyObject),
  },
  {
    method: 'POST',
    path: new RegExp(`^${B}/([^/]+)/o/([^/]+)/rewriteTo/b/([^/]+)/o/([^/]+)$`),
    call: 'objects.rewrite',
    answer: between(rewriteObject),
  },
  {
    method: 'POST',
    path: new RegExp(`^${B}/([^/]+)/o/([^/]+)/moveTo/o/([^/]+)$`),
    call: 'objects.move',
    answer: ({ store }, request, [bucket = '', from = '', to = '']) =>
      moveObject(store, { bucket, name: from }, { bucket, name: to }, request),
  },
  {
    method: 'POST',
    path: UPLOAD,
    query: ['uploadType', 'media'],
    call: 'objects.insert',
    answer: ({ store }, request, [b = '']) => insertMedia(store, b, request),
  },
  {
    method: 'POST',
    path: UPLOAD,
    query: ['uploadType', 'multipart'],
    call: 'objects.insert',
    answer: ({ store }, request, [b = '']) => insertMultipart(store, b, request),
  },
  {
    method: 'POST',
    path: UPLOAD,
    query: ['uploadType', 'resumable'],
    call: 'objects.startResumable',
    answer: ({ store, uploads }, request, [b = '']) => uploads.start(store, b, request),
  },
  {
    method: 'PUT',
    path: UPLOAD,
    query: ['upload_id'],
    call: 'objects.insert',
    answer: ({ uploads }, request) => uploads.put(request),
  },
  {
    method: 'DELETE',
    path: UPLOAD,
    query: ['upload_id'],
    call: 'objects.cancelResumable',
    answer: ({ uploads }, request) => uploads.cancel(request),
  },
  {
    method: 'GET',
    path: /^\/download\/storage\/v1\/b\/([^/]+)\/o\/([^/]+)$/,
    call: 'objects.getMedia',
    answer: getMedia,
  },
  // The XML API's download, as browsers and plain HTTP readers use it; slashes may stand unencoded there.
  {
    method: 'GET',
    path: /^\/(?!storage\/|upload\/|download\/|batch\/|resumable\/)([^/]+)\/(.+)$/,
    call: 'objects.getMedia',
    answer: getMedia,
  },
]

/** The names of all calls that are answered. */
export const CALL_NAMES: ReadonlySet<string> = new Set(routes.map(({ call }) => call))

/**
 * Finds what answers a request.
 * @throws StorageError 404 for a path that the API does not have, 400 for one that is not UTF-8.
 */
export function route(request: Pick<StorageRequest, 'method' | 'path' | 'query' | 'headers'>): RoutedCall {
  const override = request.headers['x-http-method-override']
  const asked = request.method === 'POST' && typeof override === 'string' ? override : request.method
  const method = asked === 'HEAD' ? 'GET' : asked
  for (const { path, query, call, answer, ...candidate } of routes) {
    if (candidate.method !== method) continue
    if (query !== undefined && !hasParameter(request.query, query)) continue
    const match = path.exec(request.path)
    if (match === null) continue
    const names = match.slice(1).map(decodeName)
    return { call, answer: (state, whole) => answer(state, whole, names) }
  }
  throw new StorageError(404, 'notFound', 'Not Found')
}

function hasParameter(query: URLSearchParams, [name, value]: readonly [string, string?]): boolean {
  return value === undefined ? query.has(name) : query.get(name) === value
}

function decodeName(encoded: string): string {
  try {
    return decodeURIComponent(encoded)
  } catch {
    throw invalid('The name in the path is not percent-encoded UTF-8.')
  }
}

function selection({ query }: StorageRequest) {
  return { generation: longParameter(query, 'generation'), conditions: readConditions(query) }
}

function getObject(
  { store }: StorageState,
  request: StorageRequest,
  [bucket = '', name = '']: string[],
): StorageReply {
  return jsonReply(objectResource(store.get(bucket, name, selection(request)), request.origin))
}

function getMedia(
  { store }: StorageState,
  request: StorageRequest,
  [bucket = '', name = '']: string[],
): StorageReply {
  try {
    return downloadReply(store.get(bucket, name, selection(request)), request)
  } catch (error) {
    if (error instanceof StorageError && error.status !== 304) return downloadError(error)
    throw error
  }
}

function changeObject(how: 'patch' | 'update'): Answer {
  return ({ store }, request, [bucket = '', name = '']) => {
    const attributes = writableAttributes(parseJsonObject(request.body))
    return jsonReply(
      objectResource(store.patch(bucket, name, attributes, selection(request), how), request.origin),
    )
  }
}

function deleteObject(
  { store }: StorageState,
  request: StorageRequest,
  [bucket = '', name = '']: string[],
): StorageReply {
  store.delete(bucket, name, selection(request))
  return emptyReply(204)
}

function between(operation: typeof copyObject): Answer {
  return ({ store }, request, [fromBucket = '', from = '', toBucket = '', to = '']) =>
    operation(store, { bucket: fromBucket, name: from }, { bucket: toBucket, name: to }, request)
}
