import type { Caller } from '../authentication/verify-token.ts'
import type { PageRequest, RunPage } from '../runs/list-runs.ts'
import type { RunSummary } from '../runs/run.ts'
import type { Runs } from '../runs/runs.ts'
import type { RunFilter } from '../runs/visibility-query.ts'
import type { RunStatus } from '../schemas/run.ts'
import { momentOf } from '../times.ts'
import type { DagRunState } from './states.ts'

/** What a client may ask of a list of runs. */
export interface ListRequest {
  readonly limit?: number
  readonly offset?: number
  readonly state?: DagRunState | readonly DagRunState[]
  readonly start_date_gte?: string
  readonly start_date_lt?: string
}

// The most that the native list gives at once.
const PAGE = 100

const STATUSES: Readonly<Record<DagRunState, readonly RunStatus[]>> = {
  queued: ['queued'],
  running: ['running'],
  success: ['succeeded'],
  failed: ['failed', 'cancelled', 'terminated', 'timed_out'],
}

/** A page of runs by limit and offset, with the number of all. */
export async function pageOfRuns(
  runs: Runs,
  caller: Caller,
  request: ListRequest,
): Promise<{ readonly runs: readonly RunSummary[]; readonly total: number }> {
  const { limit = 100, offset = 0 } = request
  const filter = filterOf(request)
  const [found, total] = await Promise.all([
    read((page) => runs.list(caller, filter, page), offset + limit),
    runs.count(caller, filter),
  ])
  return { runs: found.slice(offset, offset + limit), total }
}

async function read(
  list: (page: PageRequest) => Promise<RunPage>,
  wanted: number,
): Promise<readonly RunSummary[]> {
  const found: RunSummary[] = []
  let cursor: string | undefined
  while (found.length < wanted) {
    const page = await list({
      // Cursors belong to a filter, not to a page's size.
      limit: Math.min(wanted - found.length, PAGE),
      ...(cursor !== undefined && { cursor }),
    })
    found.push(...page.runs)
    cursor = page.nextCursor
    if (cursor === undefined) break
  }
  return found
}

function filterOf(request: ListRequest): RunFilter {
  const states = [request.state ?? []].flat()
  return {
    ...(states.length > 0 && { statuses: [...new Set(states.flatMap((state) => STATUSES[state]))] }),
    ...(request.start_date_gte !== undefined && {
      startedAfter: momentOf('start_date_gte', request.start_date_gte),
    }),
    ...(request.start_date_lt !== undefined && {
      startedBefore: momentOf('start_date_lt', request.start_date_lt),
    }),
  }
}
