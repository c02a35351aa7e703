import type {
  Bucket,
  NewObject,
  ObjectAttributes,
  ObjectStore,
  Selection,
  StoredObject,
} from '../object-store.ts'
import { type Conditions, checkConditions } from '../preconditions.ts'
import type { Caller, Target } from './grants.ts'
import type { Permission } from './roles.ts'

/**
 * The store as one caller may see and change it: the only way to it for calls, so that none can be answered unasked. What
 * each method needs is Google's to say; a bucket that is not there is told of to everybody, as Google does.
 * @see https://cloud.google.com/storage/docs/access-control/iam-json
 */
export class AuthorizedStore {
  readonly #store: ObjectStore
  readonly #caller: Caller

  constructor(store: ObjectStore, caller: Caller) {
    this.#store = store
    this.#caller = caller
  }

  /** @throws StorageError 403 */
  buckets(): Bucket[] {
    this.#require('storage.buckets.list', {})
    return this.#store.buckets()
  }

  /** @throws StorageError 403, and as the store */
  createBucket(name: string, attributes: Readonly<Record<string, unknown>>): Bucket {
    this.#require('storage.buckets.create', {})
    return this.#store.createBucket(name, attributes)
  }

  /** A bucket, to one who may do this with it as a whole. @throws StorageError 403 or 404 */
  bucket(name: string, permission: Permission): Bucket {
    this.#require(permission, { bucket: name })
    return this.#store.bucket(name)
  }

  /** Which of the permissions the caller has on a bucket as a whole. @throws StorageError 404 */
  held(bucket: string, permissions: readonly string[]): string[] {
    this.#store.bucket(bucket)
    return permissions.filter((permission) => this.#caller.may(permission, { bucket }))
  }

  /** @throws StorageError 403, and as the store */
  patchBucket(name: string, patch: Readonly<Record<string, unknown>>): Bucket {
    this.#require('storage.buckets.update', { bucket: name })
    return this.#store.patchBucket(name, patch)
  }

  /** @throws StorageError 403, and as the store */
  deleteBucket(name: string): void {
    this.#require('storage.buckets.delete', { bucket: name })
    this.#store.deleteBucket(name)
  }

  /** The live object or undefined. @throws StorageError 403, or 404 for the bucket */
  peek(bucket: string, name: string): StoredObject | undefined {
    this.#require('storage.objects.get', { bucket, name })
    return this.#store.peek(bucket, name)
  }

  /** @throws StorageError 403, and as the store */
  get(bucket: string, name: string, selection: Selection = {}, use: 'read' | 'write' = 'read'): StoredObject {
    this.#require('storage.objects.get', { bucket, name })
    return this.#store.get(bucket, name, selection, use)
  }

  /** @throws StorageError 403, and as the store */
  put(bucket: string, name: string, write: NewObject): StoredObject {
    this.checkPut(bucket, name, write.conditions ?? {})
    return this.#store.put(bucket, name, write)
  }

  /**
   * Looks whether an object may be written. One that is replaced is deleted, which is a permission of its own; whether
   * the preconditions let it be replaced comes first.
   * @throws StorageError 403, 412, or 404 for the bucket
   */
  checkPut(bucket: string, name: string, conditions: Conditions): void {
    this.#require('storage.objects.create', { bucket, name })
    const live = this.#store.peek(bucket, name)
    checkConditions(conditions, live, 'write')
    if (live !== undefined) this.checkDelete(bucket, name)
  }

  /** @throws StorageError 403, and as the store */
  delete(bucket: string, name: string, selection: Selection = {}): void {
    this.checkDelete(bucket, name)
    this.#store.delete(bucket, name, selection)
  }

  /** Looks whether an object may be deleted. @throws StorageError 403, or 404 for the bucket */
  checkDelete(bucket: string, name: string): void {
    this.#require('storage.objects.delete', { bucket, name })
  }

  /** @throws StorageError 403, and as the store */
  patch(
    bucket: string,
    name: string,
    attributes: ObjectAttributes,
    selection: Selection,
    how: 'patch' | 'update',
  ): StoredObject {
    this.#require('storage.objects.update', { bucket, name })
    return this.#store.patch(bucket, name, attributes, selection, how)
  }

  #require(permission: Permission, target: Target): void {
    if (target.bucket !== undefined) this.#store.bucket(target.bucket)
    this.#caller.require(permission, target)
  }
}
