import { setTimeout as sleep } from 'node:timers/promises'
import { REAPER_SCHEDULE_ID } from '../../workflows/contract.ts'
import type { Sweep } from '../../workflows/run-types.ts'
import type { Pipeline } from './pipeline.ts'

/**
 * Lets the schedule, which acts every ten minutes, act now, and waits for the sweep's end.
 * @returns the names of the clusters that it deleted
 */
export async function sweep({ temporal }: Pipeline, deployment = 'default'): Promise<readonly string[]> {
  const schedule = temporal.schedule.getHandle(`${REAPER_SCHEDULE_ID}-${deployment}`)
  const recent = async () =>
    (await schedule.describe()).info.recentActions.map(({ action }) => action.workflow)
  const known = new Set((await recent()).map(({ firstExecutionRunId }) => firstExecutionRunId))
  await schedule.trigger()
  for (;;) {
    const started = (await recent()).find(({ firstExecutionRunId }) => !known.has(firstExecutionRunId))
    if (started !== undefined) {
      const handle = temporal.workflow.getHandle(started.workflowId, started.firstExecutionRunId)
      return ((await handle.result()) as Sweep).deleted
    }
    await sleep(50)
  }
}
