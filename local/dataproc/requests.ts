import { status } from '@grpc/grpc-js'
import { invalidArgument, StatusError } from './errors.ts'
import type { Location } from './model.ts'

interface RegionalRequest {
  readonly projectId?: string | null
  readonly region?: string | null
}

/**
 * The project and region of a request; both are required by every Dataproc v1 call.
 * @param project the only project that there is; undefined accepts any
 * @throws StatusError INVALID_ARGUMENT or PERMISSION_DENIED
 */
export function locationOf(request: RegionalRequest, project: string | undefined): Location {
  if (!request.projectId) throw invalidArgument('Project ID must be specified.')
  if (!request.region) throw invalidArgument('Region must be specified.')
  if (!/^(global|[a-z]+-[a-z]+\d+)$/.test(request.region)) {
    throw invalidArgument(`Region '${request.region}' is invalid.`)
  }
  if (project !== undefined && request.projectId !== project) {
    throw new StatusError(
      status.PERMISSION_DENIED,
      `Permission denied on resource project ${request.projectId}.`,
    )
  }
  return { project: request.projectId, region: request.region }
}

/**
 * Replays by request id: at most 40 characters of letters, digits, `_` and `-` (see `request_id` in clusters.proto and
 * jobs.proto). The same id returns what the first request made, whatever the second one says.
 */
export class RequestIds<Result> {
  readonly #results = new Map<string, Result>()

  /**
   * What the first request with this id made, if there was one.
   * @throws StatusError INVALID_ARGUMENT when the id is malformed
   */
  find(at: Location, call: string, id: string | null | undefined): Result | undefined {
    if (!id) return undefined
    if (!/^[\w-]{1,40}$/.test(id)) {
      throw invalidArgument(
        `Request ID '${id}' is invalid: at most 40 letters, numbers, underscores and hyphens.`,
      )
    }
    return this.#results.get(key(at, call, id))
  }

  /** Remembers what a request with this id made. */
  keep(at: Location, call: string, id: string | null | undefined, result: Result): void {
    if (id) this.#results.set(key(at, call, id), result)
  }
}

function key(at: Location, call: string, id: string): string {
  return [at.project, at.region, call, id].join('/')
}
