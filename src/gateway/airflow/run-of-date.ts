import type { Caller } from '../authentication/verify-token.ts'
import { Problem } from '../problem.ts'
import type { RunSummary } from '../runs/run.ts'
import type { Runs } from '../runs/runs.ts'
import type { RunFilter } from '../runs/visibility-query.ts'
import { idOfDate, isoformat } from './dates.ts'

/**
 * The caller's own run of an execution date, the last one if there are more; for an operator without one, anybody's.
 * @throws Problem 404 when there is none
 */
export async function runOfDate(runs: Runs, caller: Caller, date: Date): Promise<RunSummary> {
  const latest = async (filter: RunFilter): Promise<RunSummary | undefined> => {
    const page = await runs.list(caller, { ...filter, logicalDate: date }, { limit: 100 })
    return [...page.runs].sort((a, b) => b.startedAt.getTime() - a.startedAt.getTime())[0]
  }
  // A run that has just been started shows in the list within moments, under the name that was made for it at once.
  const run =
    (await latest({ startedBy: caller.email })) ??
    (await runs.lookForDate(caller, idOfDate(date))) ??
    (caller.isOperator ? await latest({}) : undefined)
  if (run === undefined) {
    throw new Problem(404, `There is no run of the execution date ${isoformat(date)}.`)
  }
  return run
}
