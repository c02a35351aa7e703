/** A refusal in the JSON API's own terms; the server turns it into the documented error body. */
export class StorageError extends Error {
  readonly status: number
  readonly reason: string

  constructor(status: number, reason: string, message: string) {
    super(message)
    this.name = 'StorageError'
    this.status = status
    this.reason = reason
  }
}

/** 400 `invalid`: a parameter, header or body that the API does not accept. */
export function invalid(message: string): StorageError {
  return new StorageError(400, 'invalid', message)
}

/** 404 `notFound` for a bucket. */
export function noSuchBucket(): StorageError {
  return new StorageError(404, 'notFound', 'The specified bucket does not exist.')
}

/** 404 `notFound` for an object, or for a generation of it that is not the live one. */
export function noSuchObject(bucket: string, name: string, generation?: bigint): StorageError {
  const version = generation === undefined ? '' : `#${generation}`
  return new StorageError(404, 'notFound', `No such object: ${bucket}/${name}${version}`)
}

/** 403 `forbidden`, as Google words it. @param resource such as `Google Cloud Storage object` */
export function forbidden(email: string, permission: string, resource: string): StorageError {
  const message = `${email} does not have ${permission} access to the ${resource}. Permission '${permission}' denied on resource (or it may not exist).`
  return new StorageError(403, 'forbidden', message)
}

/** 412 `conditionNotMet`, or 304 without a body when a read asked for `…NotMatch`. */
export function conditionNotMet(status: 304 | 412): StorageError {
  const message = 'At least one of the pre-conditions you specified did not hold.'
  return new StorageError(status, 'conditionNotMet', message)
}

/**
 * The error body of the JSON API.
 * @see https://cloud.google.com/storage/docs/json_api/v1/status-codes
 */
export function errorBody(status: number, reason: string, message: string): object {
  const where = reason === 'conditionNotMet' ? { locationType: 'header', location: 'If-Match' } : {}
  return { error: { code: status, message, errors: [{ message, domain: 'global', reason, ...where }] } }
}
