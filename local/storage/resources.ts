import type { Bucket, ObjectAttributes, StoredObject } from './object-store.ts'

/** The properties that a writer may set; everything else in a request's resource is the server's to say. */
const WRITABLE = [
  'cacheControl',
  'contentDisposition',
  'contentEncoding',
  'contentLanguage',
  'contentType',
  'customTime',
  'eventBasedHold',
  'metadata',
  'storageClass',
  'temporaryHold',
] as const

/** Keeps the writable properties of a resource that a client sent; null is kept, since a patch means something by it. */
export function writableAttributes(resource: Readonly<Record<string, unknown>>): ObjectAttributes {
  return Object.fromEntries(WRITABLE.flatMap((key) => (key in resource ? [[key, resource[key]]] : [])))
}

/** @param origin scheme, host and port by which the client reached the server. */
export function objectResource(object: StoredObject, origin: string): object {
  const { bucket, name, generation, metageneration } = object
  const path = `b/${encodeURIComponent(bucket)}/o/${encodeURIComponent(name)}`
  return {
    kind: 'storage#object',
    id: `${bucket}/${name}/${generation}`,
    selfLink: `${origin}/storage/v1/${path}`,
    mediaLink: `${origin}/download/storage/v1/${path}?generation=${generation}&alt=media`,
    name,
    bucket,
    generation: String(generation),
    metageneration: String(metageneration),
    storageClass: 'STANDARD',
    size: String(object.content.length),
    ...(object.md5Hash === undefined ? {} : { md5Hash: object.md5Hash }),
    ...(object.componentCount === undefined ? {} : { componentCount: object.componentCount }),
    crc32c: object.crc32c,
    etag: entityTag(object),
    timeCreated: object.timeCreated,
    updated: object.updated,
    timeStorageClassUpdated: object.timeCreated,
    timeFinalized: object.timeCreated,
    ...object.attributes,
  }
}

/** Changes with content and with metadata; opaque to clients. */
export function entityTag({ generation, metageneration }: StoredObject): string {
  return Buffer.from(`${generation}/${metageneration}`).toString('base64')
}

export function bucketResource(bucket: Bucket, origin: string): object {
  return {
    kind: 'storage#bucket',
    id: bucket.name,
    selfLink: `${origin}/storage/v1/b/${bucket.name}`,
    name: bucket.name,
    projectNumber: '100000000001',
    generation: '1',
    metageneration: String(bucket.metageneration),
    storageClass: 'STANDARD',
    etag: Buffer.from(`${bucket.name}/${bucket.metageneration}`).toString('base64'),
    timeCreated: bucket.timeCreated,
    updated: bucket.updated,
    iamConfiguration: { uniformBucketLevelAccess: { enabled: true }, publicAccessPrevention: 'inherited' },
    ...bucket.attributes,
  }
}
