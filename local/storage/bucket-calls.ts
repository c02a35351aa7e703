import { emptyReply, jsonReply, parseJsonObject, type StorageReply, type StorageRequest } from './http.ts'
import { checkLifecycle } from './lifecycle.ts'
import { locationOf } from './locations.ts'
import { checkConditions, readConditions } from './preconditions.ts'
import { bucketResource } from './resources.ts'
import type { StorageState } from './state.ts'

export function listBuckets({ store }: StorageState, { query, origin }: StorageRequest): StorageReply {
  const prefix = query.get('prefix') ?? ''
  const buckets = store.buckets().filter(({ name }) => name.startsWith(prefix))
  return jsonReply({
    kind: 'storage#buckets',
    items: buckets.map((bucket) => bucketResource(bucket, origin)),
  })
}

/** https://cloud.google.com/storage/docs/json_api/v1/buckets/insert */
export function insertBucket({ store }: StorageState, { body, origin }: StorageRequest): StorageReply {
  const { name, location, ...attributes } = parseJsonObject(body)
  checkLifecycle(attributes)
  const bucket = store.createBucket(String(name ?? ''), { ...attributes, ...locationOf(location) })
  return jsonReply(bucketResource(bucket, origin))
}

export function getBucket(
  { store }: StorageState,
  { origin }: StorageRequest,
  [bucket = '']: string[],
): StorageReply {
  return jsonReply(bucketResource(store.bucket(bucket, 'storage.buckets.get'), origin))
}

/**
 * A bucket's location is for ever: what a patch says of it is not taken.
 * @see https://cloud.google.com/storage/docs/json_api/v1/buckets/patch
 */
export function patchBucket(
  { store }: StorageState,
  { body, origin, query }: StorageRequest,
  [name = '']: string[],
): StorageReply {
  const { location: _, locationType: __, ...patch } = parseJsonObject(body)
  checkLifecycle(patch)
  const { metagenerationMatch, metagenerationNotMatch } = readConditions(query)
  const conditions = {
    ...(metagenerationMatch !== undefined && { metagenerationMatch }),
    ...(metagenerationNotMatch !== undefined && { metagenerationNotMatch }),
  }
  const { metageneration } = store.bucket(name, 'storage.buckets.update')
  checkConditions(conditions, { generation: 1, metageneration }, 'write')
  return jsonReply(bucketResource(store.patchBucket(name, patch), origin))
}

export function deleteBucket(
  { store }: StorageState,
  _request: StorageRequest,
  [bucket = '']: string[],
): StorageReply {
  store.deleteBucket(bucket)
  return emptyReply(204)
}

/**
 * Says which of the permissions the caller has. Without any, the field is left out, as in Google's answer.
 * @see https://cloud.google.com/storage/docs/json_api/v1/buckets/testIamPermissions
 */
export function testPermissions(
  { store }: StorageState,
  { query }: StorageRequest,
  [bucket = '']: string[],
): StorageReply {
  const permissions = store.held(bucket, query.getAll('permissions'))
  return jsonReply({
    kind: 'storage#testIamPermissionsResponse',
    ...(permissions.length > 0 && { permissions }),
  })
}

/** For whoever may list: https://cloud.google.com/storage/docs/json_api/v1/buckets/getStorageLayout */
export function storageLayout(
  { store }: StorageState,
  _request: StorageRequest,
  [name = '']: string[],
): StorageReply {
  const { location, locationType } = store.bucket(name, 'storage.objects.list').attributes
  const hierarchicalNamespace = { enabled: false }
  return jsonReply({
    kind: 'storage#storageLayout',
    bucket: name,
    location,
    locationType,
    hierarchicalNamespace,
  })
}
