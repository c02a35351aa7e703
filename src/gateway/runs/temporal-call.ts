import {
  type Client,
  isGrpcServiceError,
  NamespaceNotFoundError,
  ServiceError,
  WorkflowNotFoundError,
} from '@temporalio/client'
import { Problem, unavailable } from '../problem.ts'

/** Longest wait for one answer from Temporal, in milliseconds. */
const DEADLINE_MS = 5_000

/** Seconds after which a caller may try again when Temporal is away. */
const RETRY_AFTER_SECONDS = 5

// gRPC's codes: https://grpc.io/docs/guides/status-codes/
const INVALID_ARGUMENT = 3
const NOT_FOUND = 5

/**
 * Makes calls to Temporal within a deadline. Errors that mean something to the caller's code (not found, already started)
 * come through as they are.
 * @throws Problem 400 for what Temporal cannot take, however often it is sent; 503 when it is away, overloaded or refuses
 * this gateway
 */
export async function callTemporal<T>(
  client: Client,
  call: () => Promise<T>,
  deadlineMs: number = DEADLINE_MS,
): Promise<T> {
  try {
    return await client.withDeadline(Date.now() + deadlineMs, call)
  } catch (error) {
    throw problemOf(error) ?? error
  }
}

function problemOf(error: unknown): Problem | undefined {
  const code = codeOf(error)
  if (code === INVALID_ARGUMENT) {
    const sentence = 'The workflow engine cannot take a value of this request. Change it, or leave it out.'
    return new Problem(400, sentence, { cause: error })
  }
  const isAway = error instanceof NamespaceNotFoundError || code !== undefined
  if (!isAway || error instanceof WorkflowNotFoundError) return undefined
  return unavailable(
    'The workflow engine cannot be reached at the moment. Nothing is lost; try again, with the same run id if you set one.',
    RETRY_AFTER_SECONDS,
    error,
  )
}

/** Whether what Temporal was asked about is not there, or not any more; of an error that is as it came. */
export function isNotFound(error: unknown): boolean {
  return codeOf(error) === NOT_FOUND
}

function codeOf(error: unknown): number | undefined {
  const cause = error instanceof ServiceError ? error.cause : error
  return isGrpcServiceError(cause) ? Number(cause.code) : undefined
}
