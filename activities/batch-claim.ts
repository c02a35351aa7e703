import type { RunDefaults, RunPlan } from '../workflows/plan.ts'
import { createClaims } from './claims.ts'
import { confirmPlan } from './confirmed-plan.ts'
import type { ActivityClients } from './context.ts'
import { failure } from './failures.ts'
import { currentExecution } from './owner.ts'
import { batchFolders, type OwnBatch } from './storage/own-folder.ts'

/** The right to work on a batch (P2). Who has it has proven whose batch it is: names alone can be forged (P16). */
export interface BatchClaim {
  /**
   * Takes the claim, or makes sure that it is still ours: a run that was reset to a point after its claim may have given it
   * up since.
   * @param given is made anew from its input
   * @returns what may be changed
   * @throws InvalidInput for a plan that this worker would not make, BatchInProgress when another open run has the batch
   */
  hold(given: RunPlan): Promise<OwnBatch>
  /** Gives the claim up; does nothing when it is not ours. */
  release(given: RunPlan): Promise<void>
}

/** Claims on batches, each for the workflow that the current activity works for. */
export function createBatchClaim(
  clients: Pick<ActivityClients, 'storage' | 'openExecution' | 'namespaceId'>,
  defaults: RunDefaults,
): BatchClaim {
  const claims = createClaims(clients)
  const batchOf = (given: RunPlan): OwnBatch => {
    const plan = confirmPlan(given, defaults)
    return { plan, folders: batchFolders(plan, defaults) }
  }
  return {
    async hold(given) {
      const batch = batchOf(given)
      const holder = await claims.acquire(batch.folders.notes, currentExecution())
      if (holder === undefined) return batch
      throw failure(
        'BatchInProgress',
        `${batch.plan.rawPath} is being processed by the run ${holder}. Wait for it, or cancel it.`,
      )
    },
    release: (given) => claims.release(batchOf(given).folders.notes, currentExecution()),
  }
}
