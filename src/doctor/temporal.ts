import type { Client } from '@temporalio/client'
import { connectTemporal } from '../clients.ts'
import type { SetupConfig } from '../config.ts'
import { temporalResources } from '../setup/resources.ts'
import { temporalFault } from '../setup/temporal.ts'
import { type Examiner, examine, type Finding, fault, ok } from './finding.ts'

// temporal.api.enums.v1.TaskQueueType: https://github.com/temporalio/api/blob/master/temporal/api/enums/v1/task_queue.proto
const QUEUE_TYPES = { workflows: 1, activities: 2 } as const

/** A poll lasts a minute, and the server remembers pollers for five: who has not asked for two is gone. */
const POLLER_SECONDS = 120

/** Namespace and retention, search attributes, schedule, and whether a worker polls. */
export async function examineTemporal(config: SetupConfig, examiner: Examiner): Promise<Finding[]> {
  let client: Client
  try {
    client = await connectTemporal(config.temporal)
  } catch (error) {
    return [fault(await temporalFault(config.temporal, error))]
  }
  try {
    const resources = temporalResources(client, config)
    const [first, ...others] = await Promise.all([
      ...resources.map((resource) => examine(resource, examiner.explain)),
      examineWorker(client, config, examiner),
    ])
    // Without a namespace there is nothing else to look at.
    if (first?.state === 'fault' && /^There is no/.test(first.says)) return [first]
    return [...(first ? [first] : []), ...others]
  } finally {
    await client.connection.close()
  }
}

async function examineWorker(client: Client, config: SetupConfig, examiner: Examiner): Promise<Finding> {
  const { taskQueue, namespace } = config.temporal
  try {
    const counts = await Promise.all(
      Object.entries(QUEUE_TYPES).map(async ([what, taskQueueType]) => {
        const { pollers } = await client.connection.workflowService.describeTaskQueue({
          namespace,
          taskQueue: { name: taskQueue },
          taskQueueType,
        })
        const since = Date.now() / 1000 - POLLER_SECONDS
        return {
          what,
          live: (pollers ?? []).filter((poller) => Number(poller.lastAccessTime?.seconds) > since),
        }
      }),
    )
    const idle = counts.filter(({ live }) => live.length === 0)
    if (idle.length === 0) return ok(`a worker polls the task queue ${taskQueue}`)
    return fault({
      finding: `No worker asks the task queue ${taskQueue} for ${idle.map(({ what }) => what).join(' and ')}, so runs wait.`,
      remedy: `node src/worker/main.ts (or docker compose up -d worker), with TEMPORAL_TASK_QUEUE=${taskQueue}`,
    })
  } catch (error) {
    return fault(examiner.explain(error, `ask who polls the task queue ${taskQueue}`))
  }
}
