import {
  type Client,
  ScheduleAlreadyRunning,
  type ScheduleOptions,
  ScheduleOverlapPolicy,
} from '@temporalio/client'
import { REAPER_SCHEDULE_ID, REAPER_WORKFLOW_TYPE } from '../../workflows/contract.ts'

/** How often orphaned clusters are looked for; a leaked cluster is paid for until then. */
const EVERY = '10 minutes'

/**
 * Makes sure that the sweep for orphaned clusters is scheduled, once a deployment. What is there is brought up to date, so
 * that a new version of the worker needs no other step.
 */
export async function ensureReaperSchedule(
  client: Client,
  deployment: string,
  taskQueue: string,
): Promise<void> {
  const scheduleId = `${REAPER_SCHEDULE_ID}-${deployment}`
  const schedule: Omit<ScheduleOptions, 'scheduleId' | 'memo' | 'searchAttributes' | 'state'> = {
    spec: { intervals: [{ every: EVERY }] },
    action: {
      type: 'startWorkflow',
      workflowType: REAPER_WORKFLOW_TYPE,
      workflowId: scheduleId,
      taskQueue,
      args: [],
    },
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: EVERY },
  }
  try {
    await client.schedule.create({ scheduleId, ...schedule })
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error
    await client.schedule.getHandle(scheduleId).update((previous) => ({ ...schedule, state: previous.state }))
  }
}
