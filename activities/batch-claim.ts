import type { RunPlan } from '../workflows/plan.ts'
import { createClaims } from './claims.ts'
import type { ActivityClients } from './context.ts'
import { failure } from './failures.ts'
import { workflowId } from './owner.ts'

/** The right to work on a batch (P2). */
export interface BatchClaim {
  /**
   * Takes the claim, or makes sure that it is still ours: a run that was reset to a point after its claim may have given it
   * up since.
   * @throws BatchInProgress when another open run has it
   */
  hold(plan: RunPlan): Promise<void>
  /** Gives the claim up; does nothing when it is not ours. */
  release(plan: RunPlan): Promise<void>
}

/** Claims on batches, each for the workflow that the current activity works for. */
export function createBatchClaim({
  storage,
  isWorkflowOpen,
}: Pick<ActivityClients, 'storage' | 'isWorkflowOpen'>): BatchClaim {
  const claims = createClaims(storage, isWorkflowOpen)
  const uriOf = (plan: RunPlan): string => `${plan.batchPath}claim.json`
  return {
    async hold(plan) {
      const holder = await claims.acquire(uriOf(plan), workflowId())
      if (holder === undefined) return
      throw failure(
        'BatchInProgress',
        `${plan.rawPath} is being processed by the run ${holder}. Wait for it, or cancel it.`,
      )
    },
    release: (plan) => claims.release(uriOf(plan), workflowId()),
  }
}
