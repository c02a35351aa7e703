import { checksumsOf, type DeclaredChecksums, verifyChecksums } from './checksums.ts'
import { invalid, noSuchBucket, noSuchObject, StorageError } from './errors.ts'
import { heldByDefault, refuseKept } from './kept.ts'
import { type Conditions, checkConditions } from './preconditions.ts'
import { SortedNames } from './sorted-names.ts'

/** The properties of an object that its writer chooses, as in the resource (`contentType`, `metadata` …). */
export type ObjectAttributes = Readonly<Record<string, unknown>>

/** One live object. Records are replaced, never changed, so a reader may keep one. */
export interface StoredObject {
  readonly bucket: string
  readonly name: string
  /** Microseconds since the epoch, strictly increasing over the whole store. */
  readonly generation: number
  readonly metageneration: number
  readonly content: Buffer
  readonly crc32c: string
  /** Absent for a composed object, as in Cloud Storage. */
  readonly md5Hash?: string
  readonly componentCount?: number
  readonly attributes: ObjectAttributes
  readonly timeCreated: string
  readonly updated: string
}

/** A bucket with its live objects. */
export interface Bucket {
  readonly name: string
  readonly timeCreated: string
  readonly updated: string
  readonly metageneration: number
  readonly attributes: Readonly<Record<string, unknown>>
  readonly objects: Map<string, StoredObject>
  readonly names: SortedNames
}

/** What is written: content, the writer's attributes, and what must hold for it to be accepted. */
export interface NewObject {
  readonly content: Buffer
  readonly attributes: ObjectAttributes
  readonly declared?: DeclaredChecksums
  readonly conditions?: Conditions
  readonly componentCount?: number
}

/** Which object is read or deleted. */
export interface Selection {
  /** Only this generation; any other is 404, since old ones are not kept. */
  readonly generation?: bigint | undefined
  readonly conditions?: Conditions
}

/**
 * Buckets and live objects in memory. Every method is synchronous, so a precondition and the effect that it guards
 * cannot be torn apart by another request. Old generations are not kept.
 */
export class ObjectStore {
  readonly #buckets = new Map<string, Bucket>()
  #lastGeneration = 0

  buckets(): Bucket[] {
    return [...this.#buckets.values()]
  }

  /** @throws StorageError 404 */
  bucket(name: string): Bucket {
    const bucket = this.#buckets.get(name)
    if (bucket === undefined) throw noSuchBucket()
    return bucket
  }

  /** @throws StorageError 409 when it is there already, 400 for a name outside Google's rules. */
  createBucket(name: string, attributes: Readonly<Record<string, unknown>>): Bucket {
    if (!/^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$/.test(name)) throw invalid(`Invalid bucket name: '${name}'.`)
    if (this.#buckets.has(name)) {
      const message = 'Your previous request to create the named bucket succeeded and you already own it.'
      throw new StorageError(409, 'conflict', message)
    }
    const now = new Date().toISOString()
    const objects = new Map<string, StoredObject>()
    const bucket = {
      name,
      timeCreated: now,
      updated: now,
      metageneration: 1,
      attributes,
      objects,
      names: new SortedNames(),
    }
    this.#buckets.set(name, bucket)
    return bucket
  }

  /** Sets attributes of a bucket; null removes one. */
  patchBucket(name: string, patch: Readonly<Record<string, unknown>>): Bucket {
    const bucket = this.bucket(name)
    const attributes = merge(bucket.attributes, patch)
    const changed = {
      ...bucket,
      attributes,
      metageneration: bucket.metageneration + 1,
      updated: new Date().toISOString(),
    }
    this.#buckets.set(name, changed)
    return changed
  }

  /** @throws StorageError 404, or 409 while objects are in it. */
  deleteBucket(name: string): void {
    if (this.bucket(name).objects.size > 0) {
      throw new StorageError(409, 'conflict', 'The bucket you tried to delete is not empty.')
    }
    this.#buckets.delete(name)
  }

  /** The live object or undefined; for conditions on a place that may be empty. */
  peek(bucketName: string, name: string): StoredObject | undefined {
    return this.bucket(bucketName).objects.get(name)
  }

  /**
   * The live object. That it is there is checked before the conditions.
   * @throws StorageError 404, 412 or 304
   */
  get(
    bucketName: string,
    name: string,
    selection: Selection = {},
    use: 'read' | 'write' = 'read',
  ): StoredObject {
    const found = this.peek(bucketName, name)
    const { generation, conditions } = selection
    if (found === undefined || (generation !== undefined && generation !== BigInt(found.generation))) {
      throw noSuchObject(bucketName, name, generation)
    }
    if (conditions !== undefined) checkConditions(conditions, found, use)
    return found
  }

  /** Writes a new generation. @throws StorageError 404 (bucket), 412, 403 for one that is kept, or 400 for a bad name or checksum. */
  put(bucketName: string, name: string, write: NewObject): StoredObject {
    const bucket = this.bucket(bucketName)
    checkObjectName(name)
    const replaced = bucket.objects.get(name)
    checkConditions(write.conditions ?? {}, replaced, 'write')
    if (replaced !== undefined) refuseKept(bucket, replaced)
    const checksums = checksumsOf(write.content)
    verifyChecksums(write.declared ?? {}, checksums)
    const now = new Date().toISOString()
    this.#lastGeneration = Math.max(this.#lastGeneration + 1, Date.now() * 1000)
    const object: StoredObject = {
      bucket: bucketName,
      name,
      generation: this.#lastGeneration,
      metageneration: 1,
      content: write.content,
      crc32c: checksums.crc32c,
      ...(write.componentCount === undefined
        ? { md5Hash: checksums.md5Hash }
        : { componentCount: write.componentCount }),
      attributes: heldByDefault(bucket, write.attributes),
      timeCreated: now,
      updated: now,
    }
    bucket.objects.set(name, object)
    bucket.names.add(name)
    return object
  }

  /** Removes the live object. @throws StorageError 404, 412, or 403 for one that is kept */
  delete(bucketName: string, name: string, selection: Selection = {}): void {
    const found = this.get(bucketName, name, selection, 'write')
    const bucket = this.bucket(bucketName)
    refuseKept(bucket, found)
    bucket.objects.delete(name)
    bucket.names.remove(name)
  }

  /**
   * Changes attributes and counts the metageneration up; the generation stays.
   * @param how `patch` merges (null removes), `update` replaces all attributes.
   */
  patch(
    bucketName: string,
    name: string,
    attributes: ObjectAttributes,
    selection: Selection,
    how: 'patch' | 'update',
  ): StoredObject {
    const object = this.get(bucketName, name, selection, 'write')
    const changed: StoredObject = {
      ...object,
      attributes: how === 'update' ? attributes : merge(object.attributes, attributes),
      metageneration: object.metageneration + 1,
      updated: new Date().toISOString(),
    }
    this.bucket(bucketName).objects.set(name, changed)
    return changed
  }
}

/** JSON merge patch (RFC 7396), as the JSON API's patch methods have it. */
function merge(
  target: Readonly<Record<string, unknown>>,
  patch: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...target }
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key]
    else if (isRecord(value)) merged[key] = merge(isRecord(merged[key]) ? merged[key] : {}, value)
    else merged[key] = value
  }
  return merged
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** @see https://cloud.google.com/storage/docs/objects#naming */
function checkObjectName(name: string): void {
  const bytes = Buffer.byteLength(name)
  if (bytes === 0) throw new StorageError(400, 'required', 'Required parameter: name')
  if (bytes > 1024)
    throw invalid(`The maximum object length is 1024 characters, but got a name with ${bytes} characters.`)
  if (/[\r\n]/.test(name) || name === '.' || name === '..')
    throw invalid(`Invalid object name: ${JSON.stringify(name)}.`)
}
