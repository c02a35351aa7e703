import { type Client, WithStartWorkflowOperation, WorkflowNotFoundError } from '@temporalio/client'
import type { ActivityClients } from '../../activities/index.ts'
import {
  CLUSTER_SLOTS_MEMO,
  CLUSTER_SLOTS_WORKFLOW_TYPE,
  clusterSlotsIdOf,
  RELEASE_CLUSTER_SLOT,
  REQUEST_CLUSTER_SLOT,
} from '../../workflows/contract.ts'
import type { SlotRequest } from '../../workflows/run-types.ts'
import type { SlotsView } from '../../workflows/slot-book.ts'
import { openRun } from './open-workflows.ts'

/** Where a deployment's slots are kept. */
interface Keeper {
  readonly deployment: string
  readonly taskQueue: string
}

/** The way to the keeper of the deployment's slots: signals to it, and what its memo says. */
export function clusterSlots(client: Client, { deployment, taskQueue }: Keeper): ActivityClients['slots'] {
  const workflowId = clusterSlotsIdOf(deployment)
  return {
    async request(request) {
      const keeper = new WithStartWorkflowOperation(CLUSTER_SLOTS_WORKFLOW_TYPE, {
        workflowId,
        taskQueue,
        args: [],
        workflowIdConflictPolicy: 'USE_EXISTING',
        staticSummary: `who may have a cluster in the deployment ${deployment}, and who waits`,
      })
      return client.workflow.executeUpdateWithStart<() => Promise<void>, boolean, [SlotRequest]>(
        REQUEST_CLUSTER_SLOT,
        { args: [request], startWorkflowOperation: keeper },
      )
    },
    async release(clusterName) {
      try {
        await client.workflow.getHandle(workflowId).signal(RELEASE_CLUSTER_SLOT, clusterName)
      } catch (error) {
        if (!(error instanceof WorkflowNotFoundError)) throw error
      }
    },
    async isHeld(clusterName) {
      const keeper = await openRun(client, workflowId)
      const view = keeper?.memo?.[CLUSTER_SLOTS_MEMO] as SlotsView | undefined
      return view?.holders.some((holder) => holder.clusterName === clusterName) === true
    },
  }
}
