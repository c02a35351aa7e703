import { ApplicationFailure } from '@temporalio/activity'
import { MockActivityEnvironment } from '@temporalio/testing'
import { DefaultLogger } from '@temporalio/worker'
import { type Activities, type ActivitySettings, createActivities } from '../../activities/index.ts'
import { TABLE_SCHEMA } from '../../activities/table-schema.ts'
import type { GoogleClients } from '../../src/clients.ts'
import { sparkOptions } from '../../src/spark-options.ts'
import type { AverageSpeedInput } from '../../workflows/contract.ts'
import { planRun, type RunPlan } from '../../workflows/plan.ts'
import type { Attempt, Deadlines, SlotRequest } from '../../workflows/run-types.ts'
import type { TestCloud } from './local-cloud.ts'

const MINUTE = 60_000

/** Of the execution that tests call activities for, unless they say otherwise. */
const RUN_ID = 'some-run'

/** Of the Temporal namespace that tests call activities in, unless they say otherwise. */
export const NAMESPACE_ID = 'some-namespace'

export const DEADLINES: Deadlines = {
  createCluster: 60 * MINUTE,
  sparkJob: 360 * MINUTE,
  clusterLifetime: 450 * MINUTE,
}

/** The settings that a worker on the test's cloud has, with fast polls. */
export function settingsOf(cloud: TestCloud): ActivitySettings {
  const rawBucket = cloud.get('RAW_BUCKET')
  return {
    project: cloud.get('GOOGLE_CLOUD_PROJECT'),
    region: cloud.get('DATAPROC_REGION'),
    deployment: 'test',
    // Not the default, so that a limit that is not read is seen.
    maxClusters: 11,
    bigqueryLocation: 'US',
    spark: sparkOptions({ STATE_BUCKET: cloud.get('STATE_BUCKET'), DEPLOYMENT: 'test' }).spark,
    load: { table: { schema: TABLE_SCHEMA }, csv: {}, jobLabels: {} },
    createClusterDeadlineMinutes: 60,
    sparkJobDeadlineMinutes: 360,
    defaults: {
      paths: { rawBucket, processedBucket: cloud.get('PROCESSED_BUCKET'), allowedBuckets: [rawBucket] },
      stateBucket: cloud.get('STATE_BUCKET'),
      callerFolders: [`gs://${rawBucket}/chosen/`],
      outputTable: cloud.get('BQ_OUTPUT_TABLE'),
      allowedTables: ['ComposerDemo', 'nowhere'].map(
        (set) => `${cloud.get('GOOGLE_CLOUD_PROJECT')}.${set}.*`,
      ),
      maxRejects: 1000,
      maxRejectShare: 0.01,
    },
    cluster: { config: {}, labels: {}, zones: [] },
    settleMs: 20,
    polling: { minimum: 20, maximum: 200 },
  }
}

/** Real activities on a test's cloud, called as a worker calls them, without a Temporal server. */
export interface ActivityBench {
  readonly settings: ActivitySettings
  /** Workflow ids that count as open. */
  readonly open: Set<string>
  /** The open execution of a workflow that was reset: its run id by workflow id. */
  readonly reset: Map<string, string>
  /** Workflows that were terminated while an activity of theirs is still alive. */
  readonly ended: Set<string>
  /** What open runs say of themselves: the cluster of their latest attempt, by workflow id. */
  readonly clusterNames: Map<string, string>
  /** Clusters whose slot was lost; all others have theirs. */
  readonly slotsLost: Set<string>
  /** Requests for slots, as the keeper gets them. */
  readonly slotsAsked: SlotRequest[]
  /** What the next requests for slots are refused with. */
  readonly slotRefusals: Error[]
  /** Clusters whose slot was freed. */
  readonly slotsFreed: string[]
  plan(input: AverageSpeedInput): RunPlan
  /** Calls an activity on behalf of a workflow. */
  call<N extends keyof Activities>(
    name: N,
    args: Parameters<Activities[N]>,
    options?: {
      readonly workflowId?: string
      readonly runId?: string
      readonly environment?: MockActivityEnvironment
    },
  ): ReturnType<Activities[N]>
  /** The same, again and again while the failure is worth another try, five times at most: as the retry policy does. */
  callWithRetries<N extends keyof Activities>(
    name: N,
    args: Parameters<Activities[N]>,
    options?: { readonly workflowId?: string },
  ): ReturnType<Activities[N]>
}

/**
 * Puts the activities on the bench.
 * @param namespaceId of the Temporal namespace that they are called in
 */
export function activityBench(
  cloud: TestCloud,
  google: GoogleClients,
  overrides: Partial<ActivitySettings> = {},
  namespaceId = NAMESPACE_ID,
): ActivityBench {
  const settings = { ...settingsOf(cloud), ...overrides }
  const open = new Set<string>()
  const reset = new Map<string, string>()
  const ended = new Set<string>()
  const running = new Map<string, number>()
  const isOpen = (id: string): boolean => open.has(id) || ((running.get(id) ?? 0) > 0 && !ended.has(id))
  const clusterNames = new Map<string, string>()
  const slotsLost = new Set<string>()
  const slotsAsked: SlotRequest[] = []
  const slotRefusals: Error[] = []
  const slotsFreed: string[] = []
  const activities = createActivities(
    {
      ...google,
      // A workflow is open while one of its activities runs, too.
      openExecution: async (id) => reset.get(id) ?? (isOpen(id) ? RUN_ID : undefined),
      async readRun(id) {
        const clusterName = clusterNames.get(id)
        const runId = reset.get(id) ?? RUN_ID
        return { isOpen: isOpen(id), runId, ...(clusterName !== undefined && { clusterName }) }
      },
      namespaceId: async () => namespaceId,
      slots: {
        request: async (request) => {
          slotsAsked.push(request)
          const refusal = slotRefusals.shift()
          if (refusal !== undefined) throw refusal
          return true
        },
        release: async (name) => {
          slotsFreed.push(name)
        },
        isHeld: async (name) => !slotsLost.has(name),
      },
    },
    settings,
  )
  const bench: ActivityBench = {
    settings,
    open,
    reset,
    ended,
    clusterNames,
    slotsLost,
    slotsAsked,
    slotRefusals,
    slotsFreed,
    plan: (input) => planRun(input, settings.defaults),
    callWithRetries(name, args, options) {
      const retrying = async (tries: number): Promise<unknown> => {
        try {
          return await bench.call(name, args, options)
        } catch (error) {
          if (tries === 5 || !(error instanceof ApplicationFailure) || error.nonRetryable) throw error
          return retrying(tries + 1)
        }
      }
      return retrying(1) as ReturnType<Activities[typeof name]>
    },
    call(name, args, { workflowId = 'some-workflow', runId = RUN_ID, environment } = {}) {
      const mock = environment ?? activityEnvironment(workflowId, runId)
      const id = mock.context.info.workflowExecution?.workflowId ?? ''
      // A run says which cluster it works with before it asks for it.
      if (name === 'createCluster') clusterNames.set(id, (args[0] as Attempt).clusterName)
      const count = (by: number) => running.set(id, (running.get(id) ?? 0) + by)
      const calling = async (): Promise<unknown> => {
        count(1)
        try {
          return await mock.run(activities[name] as never, ...(args as never[]))
        } finally {
          count(-1)
        }
      }
      return calling() as ReturnType<Activities[typeof name]>
    },
  }
  return bench
}

/** What a worker gives to an activity; failures, which many tests want, are not logged. */
export function activityEnvironment(workflowId = 'some-workflow', runId = RUN_ID): MockActivityEnvironment {
  return new MockActivityEnvironment(
    { workflowExecution: { workflowId, runId } },
    { logger: new DefaultLogger('ERROR') },
  )
}

let attempts = 0

/** An attempt with names of its own. */
export function attemptFor(plan: RunPlan): Attempt {
  const key = `${process.pid.toString(16)}${(++attempts).toString(16)}${Date.now().toString(16)}`
    .padStart(32, '0')
    .slice(-32)
  return {
    number: 1,
    key,
    clusterName: `average-speed-${key}`,
    sparkJobId: `average-speed-${key}`,
    outputPath: `${plan.transformedPath}${key}/`,
    rejectedPath: `${plan.rejectedPath}${key}/`,
  }
}
