import {
  type Client,
  isGrpcServiceError,
  NamespaceNotFoundError,
  ServiceError,
  WorkflowNotFoundError,
} from '@temporalio/client'
import { type Problem, unavailable } from '../problem.ts'

/** Longest wait for one answer from Temporal, in milliseconds. */
const DEADLINE_MS = 5_000

/** Seconds after which a caller may try again when Temporal is away. */
const RETRY_AFTER_SECONDS = 5

// gRPC's codes: https://grpc.io/docs/guides/status-codes/
const INVALID_ARGUMENT = 3

/**
 * Makes calls to Temporal within a deadline. Errors that mean something to the caller's code (not found, already started,
 * invalid argument) come through as they are.
 * @throws Problem 503 when Temporal is away, overloaded or refuses this gateway
 */
export async function callTemporal<T>(
  client: Client,
  call: () => Promise<T>,
  deadlineMs: number = DEADLINE_MS,
): Promise<T> {
  try {
    return await client.withDeadline(Date.now() + deadlineMs, call)
  } catch (error) {
    throw away(error) ?? error
  }
}

function away(error: unknown): Problem | undefined {
  if (error instanceof WorkflowNotFoundError) return undefined
  const cause = error instanceof ServiceError ? error.cause : error
  const isService = isGrpcServiceError(cause) || error instanceof NamespaceNotFoundError
  if (!isService || isInvalidArgument(error)) return undefined
  return unavailable(
    'The workflow engine cannot be reached at the moment. Nothing is lost; try again, with the same run id if you set one.',
    RETRY_AFTER_SECONDS,
    error,
  )
}

function isInvalidArgument(error: unknown): boolean {
  const cause = error instanceof ServiceError ? error.cause : error
  return isGrpcServiceError(cause) && Number(cause.code) === INVALID_ARGUMENT
}
