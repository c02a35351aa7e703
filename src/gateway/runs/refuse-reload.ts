import { Problem } from '../problem.ts'
import { countRuns } from './list-runs.ts'
import type { Scope } from './scope.ts'

/**
 * Refuses a reload of a batch that others have run too: it fetches archived files back, to where whoever exports can delete
 * them, and replaces rows. Temporal's retention bounds what is seen of others.
 * @throws Problem 403, which says nothing of whose the runs are; 503 when Temporal is away
 */
export async function refuseReloadOfOthers(scope: Scope, rawPath: string): Promise<void> {
  if (scope.caller.isOperator) return
  const [own, all] = await Promise.all([
    countRuns(scope, { rawPath }),
    countRuns({ ...scope, caller: { ...scope.caller, isOperator: true } }, { rawPath }),
  ])
  if (all === own) return
  throw new Problem(
    403,
    'Others have run this batch too, so only an operator may reload it. Leave reload out, or ask one.',
  )
}
