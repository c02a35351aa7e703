import {
  type Client,
  ScheduleAlreadyRunning,
  type ScheduleDescription,
  ScheduleNotFoundError,
  type ScheduleOptions,
  ScheduleOverlapPolicy,
} from '@temporalio/client'
import { NamespaceNotFoundError } from '@temporalio/common'
import { REAPER_SCHEDULE_ID, REAPER_WORKFLOW_TYPE } from '../../workflows/contract.ts'
import type { PipelineConfig } from '../config.ts'
import type { Resource } from './resource.ts'

/** How often orphaned clusters are looked for; a leaked cluster is paid for until then. */
const EVERY_MS = 10 * 60_000

type Schedule = Omit<ScheduleOptions, 'scheduleId' | 'memo' | 'searchAttributes' | 'state'>

/** Id of a deployment's schedule. */
export function reaperScheduleId(deployment: string): string {
  return `${REAPER_SCHEDULE_ID}-${deployment}`
}

/**
 * The schedule of the sweep for orphaned clusters, one a deployment. What is there is brought up to date, so that a new
 * version of the worker needs no other step; whoever has paused it finds it paused.
 */
export function reaperSchedule(
  client: Client,
  { deployment, stateBucket }: Pick<PipelineConfig, 'deployment' | 'stateBucket'>,
  taskQueue: string,
): Resource {
  const scheduleId = reaperScheduleId(deployment)
  const schedule: Schedule = {
    spec: { intervals: [{ every: EVERY_MS }] },
    action: {
      type: 'startWorkflow',
      workflowType: REAPER_WORKFLOW_TYPE,
      workflowId: scheduleId,
      taskQueue,
      args: [{ stateBucket }],
    },
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: EVERY_MS },
  }
  const handle = client.schedule.getHandle(scheduleId)
  return {
    thing: `schedule ${scheduleId}`,
    detail: 'the sweep for orphaned clusters, every 10 minutes',
    async inspect() {
      const found = await describe(client, scheduleId)
      if (found === undefined) {
        return {
          state: 'missing',
          finding: `There is no schedule ${scheduleId}, so nothing sweeps for orphaned clusters.`,
          async mend() {
            try {
              await client.schedule.create({ scheduleId, ...schedule })
            } catch (error) {
              // Another worker that starts at the same time was faster.
              if (!(error instanceof ScheduleAlreadyRunning)) throw error
            }
          },
        }
      }
      const owner = stateBucketIn(found)
      if (owner !== undefined && owner !== stateBucket) {
        return {
          state: 'wrong',
          fault: {
            finding: `The namespace ${client.options.namespace} has a deployment ${deployment} already, whose state bucket is ${owner}.`,
            remedy: `Give this one a DEPLOYMENT of its own, or delete the other's schedule if it is no more: temporal schedule delete --schedule-id ${scheduleId} --namespace ${client.options.namespace}`,
          },
        }
      }
      if (owner === undefined || !isSame(found, taskQueue)) {
        return {
          state: 'differs',
          finding: `The schedule ${scheduleId} is not the one of this release.`,
          mend: () => handle.update((previous) => ({ ...schedule, state: previous.state })),
        }
      }
      if (!found.state.paused) return { state: 'right' }
      const warning = {
        finding: `The schedule ${scheduleId} is paused, so nothing sweeps for orphaned clusters.`,
        remedy: `temporal schedule toggle --unpause --schedule-id ${scheduleId} --namespace ${client.options.namespace}`,
      }
      return { state: 'right', warning }
    },
  }
}

async function describe(client: Client, scheduleId: string): Promise<ScheduleDescription | undefined> {
  try {
    return await client.schedule.getHandle(scheduleId).describe()
  } catch (error) {
    if (error instanceof ScheduleNotFoundError || error instanceof NamespaceNotFoundError) return undefined
    throw error
  }
}

/** The schedule says whose the deployment is: two by one name would take each other's runs. */
function stateBucketIn({ action }: ScheduleDescription): string | undefined {
  const [note] = (action.args ?? []) as readonly ({ readonly stateBucket?: unknown } | undefined)[]
  return typeof note?.stateBucket === 'string' ? note.stateBucket : undefined
}

function isSame({ spec, action, policies }: ScheduleDescription, taskQueue: string): boolean {
  return (
    spec.intervals?.length === 1 &&
    spec.intervals[0]?.every === EVERY_MS &&
    (spec.calendars ?? []).length === 0 &&
    action.workflowType === REAPER_WORKFLOW_TYPE &&
    action.taskQueue === taskQueue &&
    policies.overlap === ScheduleOverlapPolicy.SKIP &&
    policies.catchupWindow === EVERY_MS
  )
}
