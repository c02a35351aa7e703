import { type ApplicationFailure, Context } from '@temporalio/activity'
import type { WorkflowHandle } from '@temporalio/client'
import type { Activities } from '../../activities/index.ts'
import { clusterSlots } from '../../src/worker/cluster-slots.ts'
import { readRuns } from '../../src/worker/open-workflows.ts'
import { clusterNameOf } from '../../workflows/attempt-names.ts'
import { CLUSTER_SLOTS_MEMO, clusterSlotsIdOf, WORKFLOW_TYPE } from '../../workflows/contract.ts'
import type { SlotHolder } from '../../workflows/run-types.ts'
import type { SlotsView } from '../../workflows/slot-book.ts'
import { until } from '../support/until.ts'
import { type Harness, RAW_PATH, wellBehaved } from './harness.ts'

/** A deployment in small: runs that want clusters, and a Dataproc that is a list. */
export interface Crowd {
  /** Clusters that are there now, each with the run that it is for. */
  readonly clusters: Map<string, string>
  /** Runs by the order in which they asked for a slot; one that asked twice is there twice. */
  readonly asked: string[]
  /** Runs by the order in which they got a cluster; one that got two is there twice. */
  readonly served: string[]
  /** The most clusters that were there at once. */
  most: number
  /** What the keeper counts as lapsed. */
  readonly lapsed: Set<string>
  start(name: string): Promise<WorkflowHandle>
  /** Lets the Spark job of a run end, well or with the failure. */
  endJob(name: string, failure?: ApplicationFailure): void
  /** Makes deletions wait until the function that it returns is called. */
  holdDeletions(): () => void
  /** Waits until the keeper shows as many holders and as many in line. */
  untilSlots(holders: number, waiting: number): Promise<void>
  readonly keeper: WorkflowHandle
}

/** Runs `body` with a worker whose deployment may have `limit` clusters. */
export async function withCrowd(
  harness: Harness,
  name: string,
  limit: number,
  body: (crowd: Crowd) => Promise<void>,
): Promise<void> {
  const { client } = harness.env
  const slots = clusterSlots(client, { deployment: name, taskQueue: name })
  const readRun = readRuns(client)
  const keeper = client.workflow.getHandle(clusterSlotsIdOf(name))
  const jobs = new Map<string, PromiseWithResolvers<void>>()
  const job = (run: string) => jobs.get(run) ?? jobs.set(run, Promise.withResolvers()).get(run)
  const runName = (): string =>
    (Context.current().info.workflowExecution?.workflowId ?? '').split('/')[1] ?? ''
  let deletions = Promise.withResolvers<void>()
  deletions.resolve()
  const crowd: Crowd = {
    clusters: new Map(),
    asked: [],
    served: [],
    most: 0,
    lapsed: new Set(),
    keeper,
    start: (run) =>
      client.workflow.start(WORKFLOW_TYPE, {
        workflowId: `${name}/${run}`,
        taskQueue: name,
        args: [{ rawPath: RAW_PATH.replace('2019', run) }],
      }),
    endJob(run, failure) {
      if (failure === undefined) return job(run)?.resolve()
      job(run)?.reject(failure)
      // The next attempt has a job of its own.
      jobs.delete(run)
    },
    holdDeletions() {
      deletions = Promise.withResolvers()
      return deletions.resolve
    },
    untilSlots: (holders, waiting) =>
      until(`${holders} have a slot and ${waiting} wait`, async () => {
        const view = await keeper.describe().then(
          ({ memo }) => memo?.[CLUSTER_SLOTS_MEMO] as SlotsView | undefined,
          () => undefined,
        )
        return view?.holders.length === holders && view.waiting === waiting
      }),
  }
  const stubs: Partial<Activities> = {
    prepareRun: async (input) => ({
      ...(await wellBehaved.prepareRun(input)),
      clusterSlots: keeper.workflowId,
    }),
    async requestClusterSlot(clusterName, since) {
      crowd.asked.push(runName())
      return slots.request({ workflowId: `${name}/${runName()}`, clusterName, since, limit })
    },
    listSlotHolders: async (): Promise<SlotHolder[]> =>
      [...crowd.clusters].map(([clusterName, run]) => ({ workflowId: `${name}/${run}`, clusterName })),
    async findLapsedSlots(holders) {
      const lapsed: string[] = []
      for (const { workflowId, clusterName } of holders) {
        const run = await readRun(workflowId)
        const isAlive = run.isOpen && run.clusterName === clusterName
        if (!isAlive && !crowd.clusters.has(clusterName)) lapsed.push(clusterName)
      }
      return { lapsed, limit }
    },
    async createCluster({ clusterName }) {
      crowd.clusters.set(clusterName, runName())
      crowd.served.push(runName())
      crowd.most = Math.max(crowd.most, crowd.clusters.size)
      return { name: clusterName, uuid: `uuid-of-${clusterName}` }
    },
    async runSparkJob() {
      const context = Context.current()
      const beat = setInterval(() => context.heartbeat(), 100)
      try {
        await Promise.race([job(runName())?.promise, context.cancelled])
      } finally {
        clearInterval(beat)
      }
    },
    async deleteClusterIfPresent({ key }) {
      const clusterName = clusterNameOf(key)
      await deletions.promise
      crowd.clusters.delete(clusterName)
      await slots.release(clusterName)
      return {}
    },
  }
  const worker = await harness.worker(name, stubs)
  await worker.runUntil(async () => {
    try {
      await body(crowd)
    } finally {
      // The worker waits for what is held, and for the jobs of runs that were terminated, too.
      deletions.resolve()
      for (const { resolve } of jobs.values()) resolve()
      // It would wait for others, and what it waits for holds up the time of the tests that follow.
      await keeper.terminate().catch(() => undefined)
    }
  })
}
