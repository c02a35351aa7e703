import type { Caller } from '../authentication/verify-token.ts'
import { Problem } from '../problem.ts'
import type { RunSummary } from '../runs/run.ts'
import type { Runs } from '../runs/runs.ts'
import { isoformat } from './dates.ts'

/**
 * The caller's run of an execution date, the last one if there are more.
 * @throws Problem 404 when there is none
 */
export async function runOfDate(runs: Runs, caller: Caller, date: Date): Promise<RunSummary> {
  const page = await runs.list(caller, { logicalDate: date }, { limit: 100 })
  const [latest] = [...page.runs].sort((a, b) => b.startedAt.getTime() - a.startedAt.getTime())
  // A run that has just been started shows in the list within moments, under its usual name at once.
  return (
    latest ??
    (await runs.look(caller, `manual__${isoformat(date)}`).catch((error: unknown) => notThere(error, date)))
  )
}

function notThere(error: unknown, date: Date): never {
  if (!(error instanceof Problem && error.status === 404)) throw error
  throw new Problem(404, `There is no run of the execution date ${isoformat(date)}.`)
}
