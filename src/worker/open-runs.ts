import { setTimeout as pause } from 'node:timers/promises'
import type { Client, WorkflowExecutionInfo } from '@temporalio/client'
import type { MetricMeter } from '@temporalio/common'
import type { Logger } from 'pino'
import { PROGRESS_MEMO, type RunProgress, STEPS, WORKFLOW_TYPE } from '../../workflows/contract.ts'

/** Pause between two looks, in milliseconds; Prometheus looks as often. */
const EVERY_MS = 15_000

/** What is known of the runs that are open. Ages are in seconds. */
export interface OpenRuns {
  /** Runs by the step that they are at. */
  readonly byStep: ReadonlyMap<string, number>
  readonly teardownsPending: number
  /** Age of the oldest run; 0 without one. */
  readonly oldestRun: number
  /** Time since the oldest cluster that is not known to be gone was asked for; 0 without one. */
  readonly oldestCluster: number
}

/**
 * Keeps gauges of the open runs, read from Temporal's list of them: what no counter of a worker can say, since the runs
 * that hang are those that report nothing. Each worker of a deployment says the same, so a query takes the maximum.
 */
export function observeOpenRuns(
  client: Client,
  deployment: string,
  meter: MetricMeter,
  logger: Logger,
  everyMs = EVERY_MS,
): { stop(): Promise<void> } {
  const gauge = (name: string, description: string) =>
    meter.createGauge(name, 'float', undefined, description)
  const openRuns = gauge('average_speed_open_runs', 'Open runs by the step that they are at')
  const teardowns = gauge('average_speed_teardowns_pending', 'Open runs whose cluster refuses to go')
  const oldestRun = gauge('average_speed_oldest_run_seconds', 'Age of the oldest open run')
  const oldestCluster = gauge(
    'average_speed_oldest_cluster_seconds',
    'Age of the oldest cluster of an open run',
  )
  const observed = gauge('average_speed_observed_timestamp_seconds', 'When the open runs were last listed')
  const steps = new Set<string>(STEPS)

  const look = async (): Promise<void> => {
    const runs = await listOpenRuns(client, deployment)
    for (const step of runs.byStep.keys()) steps.add(step)
    // A gauge keeps its last value, so the steps that no run is at are set as well.
    for (const step of steps) openRuns.set(runs.byStep.get(step) ?? 0, { step })
    teardowns.set(runs.teardownsPending)
    oldestRun.set(runs.oldestRun)
    oldestCluster.set(runs.oldestCluster)
    observed.set(Date.now() / 1000)
  }
  const stopping = new AbortController()
  const looking = (async () => {
    while (!stopping.signal.aborted) {
      await look().catch((error: unknown) => logger.warn({ error }, 'could not list the open runs'))
      await pause(everyMs, undefined, { signal: stopping.signal }).catch(() => undefined)
    }
  })()
  return {
    stop() {
      stopping.abort()
      return looking
    },
  }
}

/** Lists the open runs of a deployment and sums them up. */
export async function listOpenRuns(client: Client, deployment: string, now = Date.now()): Promise<OpenRuns> {
  const byStep = new Map<string, number>()
  let teardownsPending = 0
  let oldestRun = 0
  let oldestCluster = 0
  const query = `WorkflowType = '${WORKFLOW_TYPE}' AND Deployment = '${deployment}' AND ExecutionStatus = 'Running'`
  for await (const run of client.workflow.list({ query })) {
    const { RunStep: [step] = [STEPS[0]], TeardownPending: [pending] = [false] } = run.searchAttributes
    byStep.set(String(step), (byStep.get(String(step)) ?? 0) + 1)
    if (pending === true) teardownsPending += 1
    oldestRun = Math.max(oldestRun, (now - run.startTime.getTime()) / 1000)
    oldestCluster = Math.max(oldestCluster, (now - clusterSince(run, now)) / 1000)
  }
  return { byStep, teardownsPending, oldestRun, oldestCluster }
}

/** When the run's cluster was asked for, as the run itself says it; `now` if it has none. */
function clusterSince({ memo }: WorkflowExecutionInfo, now: number): number {
  const { steps = [] } = (memo?.[PROGRESS_MEMO] ?? {}) as Partial<RunProgress>
  const creation = steps.find(({ name }) => name === 'createCluster')
  const deletion = steps.find(({ name }) => name === 'deleteCluster')
  if (creation?.startedAt === undefined) return now
  // A later attempt has asked for another cluster since the first one went.
  const gone = deletion?.state === 'done' && (deletion.startedAt ?? '') >= creation.startedAt
  return gone ? now : Date.parse(creation.startedAt)
}
