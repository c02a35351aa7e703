import { invalid, noSuchObject, StorageError } from './errors.ts'
import { jsonReply, parseJsonObject, type StorageReply, type StorageRequest } from './http.ts'
import type { AuthorizedStore } from './iam/authorized-store.ts'
import type { StoredObject } from './object-store.ts'
import { type Conditions, checkConditions, longParameter, readConditions } from './preconditions.ts'
import { objectResource, writableAttributes } from './resources.ts'

/** The place of an object. */
export interface ObjectPlace {
  readonly bucket: string
  readonly name: string
}

/** `objects.copy`. A body replaces the attributes as a whole; without one they are the source's. */
export function copyObject(
  store: AuthorizedStore,
  from: ObjectPlace,
  to: ObjectPlace,
  request: StorageRequest,
): StorageReply {
  return jsonReply(objectResource(copy(store, from, to, request), request.origin))
}

/** `objects.rewrite`, which is done in one call, as between buckets of one location and storage class. */
export function rewriteObject(
  store: AuthorizedStore,
  from: ObjectPlace,
  to: ObjectPlace,
  request: StorageRequest,
): StorageReply {
  const object = copy(store, from, to, request)
  const size = String(object.content.length)
  const resource = objectResource(object, request.origin)
  return jsonReply({
    kind: 'storage#rewriteResponse',
    totalBytesRewritten: size,
    objectSize: size,
    done: true,
    resource,
  })
}

/** `objects.move`: copy and delete as one step, inside a bucket; so whether both are allowed is looked at first. */
export function moveObject(
  store: AuthorizedStore,
  from: ObjectPlace,
  to: ObjectPlace,
  request: StorageRequest,
): StorageReply {
  if (from.name === to.name) throw invalid('The source and destination object names must be different.')
  store.checkDelete(from.bucket, from.name)
  const object = copy(store, from, to, { ...request, body: Buffer.alloc(0) })
  store.delete(from.bucket, from.name)
  return jsonReply(objectResource(object, request.origin))
}

function copy(
  store: AuthorizedStore,
  from: ObjectPlace,
  to: ObjectPlace,
  { query, body }: StorageRequest,
): StoredObject {
  const generation = longParameter(query, 'sourceGeneration')
  const sourceConditions = readConditions(query, 'ifSource')
  const source = store.get(from.bucket, from.name, { generation, conditions: sourceConditions }, 'write')
  const resource = parseJsonObject(body)
  const attributes = Object.keys(resource).length === 0 ? source.attributes : writableAttributes(resource)
  const contentType = source.attributes['contentType']
  return store.put(to.bucket, to.name, {
    content: source.content,
    attributes: { ...(contentType === undefined ? {} : { contentType }), ...attributes },
    conditions: readConditions(query),
    ...(source.componentCount === undefined ? {} : { componentCount: source.componentCount }),
  })
}

const COMPOSE_LIMIT = 32

/** `objects.compose`: joins up to 32 objects of one bucket; each may carry a generation and a precondition. */
export function composeObjects(
  store: AuthorizedStore,
  to: ObjectPlace,
  request: StorageRequest,
): StorageReply {
  const body = parseJsonObject(request.body)
  const listed = Array.isArray(body['sourceObjects']) ? body['sourceObjects'] : []
  if (listed.length === 0)
    throw new StorageError(400, 'required', 'You must provide at least one source component.')
  if (listed.length > COMPOSE_LIMIT) {
    throw invalid(
      `The number of source components provided (${listed.length}) exceeds the maximum (${COMPOSE_LIMIT})`,
    )
  }
  const sources = listed.map((source) => composeSource(store, to.bucket, source))
  const destination = isRecord(body['destination']) ? body['destination'] : {}
  const object = store.put(to.bucket, to.name, {
    content: Buffer.concat(sources.map(({ content }) => content)),
    attributes: writableAttributes(destination),
    conditions: readConditions(request.query),
    componentCount: sources.reduce((count, source) => count + (source.componentCount ?? 1), 0),
  })
  return jsonReply(objectResource(object, request.origin))
}

function composeSource(store: AuthorizedStore, bucket: string, listed: unknown): StoredObject {
  if (!isRecord(listed) || typeof listed['name'] !== 'string')
    throw invalid('Each source object needs a name.')
  const live = store.peek(bucket, listed['name'])
  const generation = listed['generation'] === undefined ? undefined : BigInt(String(listed['generation']))
  if (live === undefined || (generation !== undefined && generation !== BigInt(live.generation))) {
    throw noSuchObject(bucket, listed['name'], generation)
  }
  const wanted = isRecord(listed['objectPreconditions'])
    ? listed['objectPreconditions']['ifGenerationMatch']
    : undefined
  const conditions: Conditions = wanted === undefined ? {} : { generationMatch: BigInt(String(wanted)) }
  checkConditions(conditions, live, 'write')
  return live
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
