import { Context } from '@temporalio/activity'
import type { RunPlan } from '../workflows/plan.ts'
import { createClaims } from './claims.ts'
import type { ActivityClients } from './context.ts'
import { attempting, failure } from './failures.ts'

/** Activities that keep two runs of one batch apart (P2). */
export function batchActivities({ storage, isWorkflowOpen }: ActivityClients) {
  const claims = createClaims(storage, isWorkflowOpen)
  const claimOf = (plan: RunPlan): string => `${plan.batchPath}claim.json`
  return {
    /**
     * Claims the batch for this run, for as long as the run is open.
     * @throws BatchInProgress when another open run has it
     */
    async claimBatch(plan: RunPlan): Promise<void> {
      const holder = await attempting(`claim ${plan.rawPath}`, () =>
        claims.acquire(claimOf(plan), workflowId()),
      )
      if (holder !== undefined) {
        throw failure(
          'BatchInProgress',
          `${plan.rawPath} is being processed by the run ${holder}. Wait for it, or cancel it.`,
        )
      }
    },

    /** Gives the batch up; does nothing when it is not ours. */
    async releaseBatch(plan: RunPlan): Promise<void> {
      await attempting(`release ${plan.rawPath}`, () => claims.release(claimOf(plan), workflowId()))
    },
  }
}

/** The workflow that the current activity works for. */
export function workflowId(): string {
  const id = Context.current().info.workflowExecution?.workflowId
  if (id === undefined) throw new Error('This activity was started outside a workflow.')
  return id
}
