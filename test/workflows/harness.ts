import { ApplicationFailure } from '@temporalio/activity'
import { WorkflowFailedError } from '@temporalio/client'
import type { SearchAttributes } from '@temporalio/common'
import type { temporal } from '@temporalio/proto'
import type { TestWorkflowEnvironment } from '@temporalio/testing'
import {
  type BufferedMetricUpdate,
  DefaultLogger,
  type LogEntry,
  MetricsBuffer,
  Runtime,
  Worker,
} from '@temporalio/worker'
import type { Activities, ActivitySettings } from '../../activities/index.ts'
import { preparationActivities } from '../../activities/preparation.ts'
import { TABLE_SCHEMA } from '../../activities/table-schema.ts'
import { workflowSource } from '../../src/worker/workflow-bundle.ts'
import {
  type AverageSpeedInput,
  type AverageSpeedResult,
  type FailureDetails,
  type FailureType,
  PROGRESS_MEMO,
  type RunProgress,
  WORKFLOW_TYPE,
} from '../../workflows/contract.ts'
import type { Load } from '../../workflows/run-types.ts'
import { RUN_DEFAULTS } from '../support/run-defaults.ts'
import { timeSkippingServer } from './servers.ts'

export const RAW_PATH = 'gs://raw-bucket/exports/raw-2019-03-01T000000/'

/** Only what the preparation reads: it is the real one. */
const SETTINGS: ActivitySettings = {
  project: 'some-project',
  region: 'us-central1',
  deployment: 'test',
  maxClusters: 10,
  bigqueryLocation: 'US',
  spark: {
    scriptUri: 'gs://raw-bucket/spark-jobs/spark_avg_speed.py',
    arguments: [],
    properties: {},
    pythonFileUris: [],
    jarFileUris: [],
    copies: { folder: 'gs://state-bucket/scripts/', note: 'gs://state-bucket/spark.json' },
  },
  load: { table: { schema: TABLE_SCHEMA }, csv: {}, jobLabels: {} },
  createClusterDeadlineMinutes: 60,
  sparkJobDeadlineMinutes: 360,
  defaults: RUN_DEFAULTS,
  cluster: { config: {}, labels: {}, zones: [] },
  settleMs: 1,
  polling: { minimum: 1, maximum: 1 },
}

/** A load as the stubs have it. */
export const LOADED: Load = {
  jobId: 'load_0',
  rows: 9,
  outputTable: RUN_DEFAULTS.outputTable,
  writeDisposition: 'WRITE_TRUNCATE',
}

/** The activities as they go when all is well. */
export const wellBehaved: Activities = {
  ...preparationActivities(SETTINGS),
  claimBatch: async () => undefined,
  releaseBatch: async () => undefined,
  describeRawFiles: async (plan) => ({ manifestUri: plan.manifestUri, files: 3, bytes: 1000, digest: 'd1' }),
  findLoad: async () => ({ isUnderWay: false }),
  awaitLoad: async () => undefined,
  requestClusterSlot: async () => true,
  removeEarlierClusters: async () => undefined,
  listSlotHolders: async () => [],
  findLapsedSlots: async () => ({ lapsed: [], limit: 10 }),
  createCluster: async (attempt) => ({ name: attempt.clusterName, uuid: `uuid-of-${attempt.clusterName}` }),
  diagnoseCluster: async () => 'gs://staging/diagnostic.tar.gz',
  deleteClusterIfPresent: async () => ({}),
  runSparkJob: async () => undefined,
  verifyOutput: async () => ({
    parts: { files: 1, digest: '' },
    rowsRead: 10,
    rowsWritten: 9,
    rowsRejected: 1,
  }),
  claimTableIfFree: async () => true,
  claimTable: async () => undefined,
  releaseTable: async () => undefined,
  loadTable: async () => ({ ...LOADED, replacedBatch: 'gs://raw-bucket/exports/raw-before/' }),
  recordEmptyBatch: async () => ({
    rows: 0,
    outputTable: RUN_DEFAULTS.outputTable,
    writeDisposition: 'WRITE_TRUNCATE',
  }),
  archiveRawFiles: async () => ({
    processedPath: 'gs://processed-bucket/exports/',
    files: 3,
    bytes: 1000,
    filesLeftInPlace: 0,
  }),
  moveRawFilesToFailed: async () => undefined,
  deleteTemporaryFiles: async () => undefined,
  writeReceipt: async (_, { processedPath, runId }) => `${processedPath}${runId}.json`,
  reapOrphans: async () => ({ deleted: [], leftAlone: [] }),
}

/** A call of an activity, with what it was given. */
export interface Call {
  readonly name: keyof Activities
  readonly args: readonly unknown[]
}

/** How a run under test went. */
export interface Outcome {
  readonly result?: AverageSpeedResult
  /** Type, sentence and details of the failure that the run ended with. */
  readonly failure?: {
    readonly type: string | undefined
    readonly message: string
    readonly details?: FailureDetails
  }
  readonly status: string
  readonly searchAttributes: SearchAttributes
  readonly calls: readonly Call[]
  readonly names: readonly string[]
  readonly progress: RunProgress
  /** What the Web UI shows of the run, as Markdown. */
  readonly details: string
  /** The lines beside its activities, by the activity's name. */
  readonly summaries: Readonly<Record<string, string>>
  /** What it logged as errors. */
  readonly errors: readonly LogEntry[]
  /** What it told the worker's metrics. */
  readonly metrics: readonly BufferedMetricUpdate[]
}

/** Throws a failure of a named type, as activities do. */
export function fails(type: FailureType, message = `${type} in a test`): () => Promise<never> {
  return async () => {
    throw ApplicationFailure.nonRetryable(message, type)
  }
}

/** A server with workers that run the real workflow on stub activities. */
export interface Harness {
  readonly env: TestWorkflowEnvironment
  /** @param during called once the run is started, for instance to cancel it */
  run(
    stubs: Partial<Activities>,
    options?: {
      readonly input?: AverageSpeedInput
      readonly searchAttributes?: SearchAttributes
      readonly during?: (workflowId: string) => Promise<void>
    },
  ): Promise<Outcome>
  /** A worker for many runs, which the test runs; its task queue has the given name. */
  worker(taskQueue: string, stubs: Partial<Activities>): Promise<Worker>
  close(): Promise<void>
}

/**
 * Starts the server; one for a test file.
 * @param startServer default: one that skips time
 */
export async function startHarness(startServer = timeSkippingServer): Promise<Harness> {
  const errors: LogEntry[] = []
  const buffer = new MetricsBuffer({ maxBufferSize: 100_000 })
  const printer = new DefaultLogger('ERROR')
  Runtime.install({
    // What the workflow itself reports is looked at by tests, and not printed.
    logger: new DefaultLogger('ERROR', (entry) => {
      if (entry.meta?.['sdkComponent'] === 'workflow' && 'failureMessage' in entry.meta) errors.push(entry)
      else printer.log(entry.level, entry.message, entry.meta)
    }),
    telemetryOptions: { metrics: { buffer } },
  })
  const env = await startServer()
  const bundle = workflowSource(process.env['WORKFLOW_BUNDLE'])
  let runs = 0
  return {
    env,
    async run(stubs, { input = { rawPath: RAW_PATH }, searchAttributes = {}, during } = {}) {
      const name = `run-${++runs}`
      buffer.retrieveUpdates()
      const calls: Call[] = []
      const worker = await createWorker(env, bundle, name, recorded({ ...wellBehaved, ...stubs }, calls))
      return worker.runUntil(async () => {
        const handle = await env.client.workflow.start(WORKFLOW_TYPE, {
          workflowId: name,
          taskQueue: name,
          args: [input],
          searchAttributes,
        })
        await during?.(name)
        const ending = await handle.result().then(
          (result) => ({ result: result as AverageSpeedResult }),
          (error: unknown) => ({ failure: failureOf(error) }),
        )
        const description = await handle.describe()
        return {
          ...ending,
          status: description.status.name,
          searchAttributes: description.searchAttributes,
          calls,
          names: calls.map((call) => call.name),
          progress: description.memo?.[PROGRESS_MEMO] as RunProgress,
          details: (await handle.query<{ currentDetails: string }>('__temporal_workflow_metadata'))
            .currentDetails,
          summaries: summariesOf(await handle.fetchHistory()),
          errors: errors.filter(({ meta }) => meta?.['workflowId'] === name),
          metrics: [...buffer.retrieveUpdates()].filter(({ metric }) =>
            metric.name.startsWith('average_speed_'),
          ),
        }
      })
    },
    worker: (taskQueue, stubs) => createWorker(env, bundle, taskQueue, { ...wellBehaved, ...stubs }),
    close: () => env.teardown(),
  }
}

async function createWorker(
  env: TestWorkflowEnvironment,
  workflows: ReturnType<typeof workflowSource>,
  taskQueue: string,
  activities: Activities,
): Promise<Worker> {
  return Worker.create({
    connection: env.nativeConnection,
    taskQueue,
    ...workflows,
    activities,
    // The server's clock runs ahead of ours, so heartbeats must not wait for ours.
    maxHeartbeatThrottleInterval: 1,
    defaultHeartbeatThrottleInterval: 1,
  })
}

function recorded(activities: Activities, calls: Call[]): Activities {
  const entries = Object.entries(activities).map(([name, activity]) => [
    name,
    (...args: unknown[]) => {
      calls.push({ name: name as keyof Activities, args })
      return (activity as (...args: unknown[]) => Promise<unknown>)(...args)
    },
  ])
  return Object.fromEntries(entries) as Activities
}

function failureOf(error: unknown): NonNullable<Outcome['failure']> {
  if (!(error instanceof WorkflowFailedError)) throw error
  const { cause } = error
  if (cause instanceof ApplicationFailure) {
    return {
      type: cause.type ?? undefined,
      message: cause.message,
      details: cause.details?.[0] as FailureDetails,
    }
  }
  return { type: cause?.name, message: cause?.message ?? '' }
}

function summariesOf({ events }: temporal.api.history.v1.IHistory): Record<string, string> {
  const lines = (events ?? []).flatMap((event) => {
    const data = event.userMetadata?.summary?.data
    const name = activityOf(event)
    return name === undefined || data == null ? [] : [[name, String(JSON.parse(textOf(data)))]]
  })
  return Object.fromEntries(lines)
}

/** The activity that an event is about: one that was scheduled, or a local one that was done. */
function activityOf(event: temporal.api.history.v1.IHistoryEvent): string | undefined {
  const { activityTaskScheduledEventAttributes: scheduled, markerRecordedEventAttributes: marker } = event
  if (scheduled != null) return scheduled.activityType?.name ?? undefined
  const data = marker?.details?.['data']?.payloads?.[0]?.data
  return data == null ? undefined : (JSON.parse(textOf(data)) as { activity_type?: string }).activity_type
}

function textOf(data: Uint8Array): string {
  return new TextDecoder().decode(data)
}
