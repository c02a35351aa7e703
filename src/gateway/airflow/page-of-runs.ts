import type { Caller } from '../authentication/verify-token.ts'
import { eachOnce, type PageRequest, type RunPage } from '../runs/list-runs.ts'
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

// As many as the furthest page has, at a limit and an offset of 1,000, when no run was retried.
const MOST_PAGES = 20

const STATUSES: Readonly<Record<DagRunState, readonly RunStatus[]>> = {
  queued: ['queued'],
  running: ['running'],
  success: ['succeeded'],
  failed: ['failed', 'cancelled', 'terminated', 'timed_out'],
}

/**
 * A page of runs by limit and offset, each run once in all pages, with the number of all: exact when the end was reached,
 * otherwise that of their executions.
 */
export async function pageOfRuns(
  runs: Runs,
  caller: Caller,
  request: ListRequest,
): Promise<{ readonly runs: readonly RunSummary[]; readonly total: number }> {
  const { limit = 100, offset = 0 } = request
  const filter = filterOf(request)
  const { found, isAll } = await read((page) => runs.list(caller, filter, page), offset + limit)
  return {
    runs: found.slice(offset, offset + limit),
    total: isAll ? found.length : await runs.count(caller, filter),
  }
}

/** Reads until so many runs are found, or there are no more, or enough has been read. */
async function read(
  list: (page: PageRequest) => Promise<RunPage>,
  wanted: number,
): Promise<{ readonly found: readonly RunSummary[]; readonly isAll: boolean }> {
  let found: readonly RunSummary[] = []
  let cursor: string | undefined
  for (let pages = 0; found.length < wanted && pages < MOST_PAGES; pages += 1) {
    const page = await list({
      // Cursors belong to a filter, not to a page's size. Where runs were retried, more than is missing must be read.
      limit: pages === 0 ? Math.min(wanted, PAGE) : PAGE,
      ...(cursor !== undefined && { cursor }),
    })
    found = eachOnce([...found, ...page.runs])
    cursor = page.nextCursor
    if (cursor === undefined) return { found, isAll: true }
  }
  return { found, isAll: false }
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
