import { status } from '@grpc/grpc-js'

/** An error that a call answers with: a gRPC status and a sentence. */
export class StatusError extends Error {
  override readonly name = 'StatusError'
  readonly code: status

  constructor(code: status, message: string) {
    super(message)
    this.code = code
  }
}

/** The request is malformed whatever the state of the service. */
export function invalidArgument(message: string): StatusError {
  return new StatusError(status.INVALID_ARGUMENT, message)
}

/** The named resource is not there. `resource` is its full name, such as `Cluster projects/p/regions/r/clusters/c`. */
export function notFound(resource: string): StatusError {
  return new StatusError(status.NOT_FOUND, `Not found: ${resource}`)
}

/** The name is taken. */
export function alreadyExists(message: string): StatusError {
  return new StatusError(status.ALREADY_EXISTS, `Already exists: ${message}`)
}

/** The resource is not in a state that allows the call. */
export function failedPrecondition(message: string): StatusError {
  return new StatusError(status.FAILED_PRECONDITION, message)
}

/**
 * The number of a gRPC status given as number or name, for faults.
 * @throws Error when there is no such status
 */
export function statusCode(code: string | number | undefined, fallback: status): status {
  if (code === undefined) return fallback
  const named = Object.entries(status).find(([name, value]) => name === code || value === Number(code))
  const number = named === undefined ? undefined : Number(named[1])
  if (number === undefined || Number.isNaN(number)) throw new Error(`There is no gRPC status '${code}'.`)
  return number
}
