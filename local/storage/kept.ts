/** Holds and retention policies, by which an object may be neither replaced nor deleted for a while. */

import { StorageError } from './errors.ts'
import type { Bucket, ObjectAttributes, StoredObject } from './object-store.ts'

/**
 * @throws StorageError 403 when the live object may be neither replaced nor deleted now
 * @see https://cloud.google.com/storage/docs/object-holds
 * @see https://cloud.google.com/storage/docs/bucket-lock
 * @see https://cloud.google.com/storage/docs/json_api/v1/status-codes#403-forbidden
 */
export function refuseKept(bucket: Bucket, object: StoredObject): void {
  const name = `Object '${object.bucket}/${object.name}'`
  const { temporaryHold, eventBasedHold } = object.attributes
  for (const [hold, kind] of [
    [temporaryHold, 'Temporary'],
    [eventBasedHold, 'Event-Based'],
  ]) {
    if (hold !== true) continue
    throw new StorageError(
      403,
      'objectUnderActiveHold',
      `${name} is under active ${kind} hold and cannot be deleted, overwritten or archived until hold is removed.`,
    )
  }
  const until = retainedUntil(bucket, object)
  if (until === undefined || until.getTime() <= Date.now()) return
  throw new StorageError(
    403,
    'retentionPolicyNotMet',
    `${name} is subject to bucket's retention policy or object retention and cannot be deleted or overwritten until ${until.toISOString()}`,
  )
}

/** When a bucket's retention policy lets go of an object; nothing without a policy. */
function retainedUntil(bucket: Bucket, object: StoredObject): Date | undefined {
  const policy = bucket.attributes['retentionPolicy'] as { readonly retentionPeriod?: unknown } | undefined
  if (policy?.retentionPeriod === undefined) return undefined
  return new Date(new Date(object.timeCreated).getTime() + Number(policy.retentionPeriod) * 1000)
}

/** The attributes of a new object, with the hold that its bucket gives to all. */
export function heldByDefault(bucket: Bucket, attributes: ObjectAttributes): ObjectAttributes {
  const isHeld = bucket.attributes['defaultEventBasedHold'] === true
  return isHeld ? { eventBasedHold: true, ...attributes } : attributes
}
