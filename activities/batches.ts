import type { RunDefaults, RunPlan } from '../workflows/plan.ts'
import { createBatchClaim } from './batch-claim.ts'
import type { ActivityClients } from './context.ts'
import { attempting } from './failures.ts'

/** Activities that keep two runs of one batch apart (P2). */
export function batchActivities(clients: ActivityClients, defaults: RunDefaults) {
  const claim = createBatchClaim(clients, defaults)
  return {
    /**
     * Claims the batch for this run, for as long as the run is open.
     * @throws BatchInProgress when another open run has it
     */
    async claimBatch(plan: RunPlan): Promise<void> {
      await attempting(`claim ${plan.rawPath}`, async () => {
        await claim.hold(plan)
      })
    },

    /** Gives the batch up; does nothing when it is not ours. */
    async releaseBatch(plan: RunPlan): Promise<void> {
      await attempting(`release ${plan.rawPath}`, () => claim.release(plan))
    },
  }
}
