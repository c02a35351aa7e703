import {
  type AverageSpeedInput,
  type AverageSpeedResult,
  type ClusterReceipt,
  STEPS,
  type StepStatus,
} from '../../workflows/contract.ts'
import type { Run, RunFailure, RunSummary } from './runs/run.ts'
import type { RunJson, RunSummaryJson } from './schemas/run.ts'
import type { RunConf } from './schemas/run-request.ts'

/** Makes the links of a run. */
export type LinksOf = (run: RunSummary) => RunSummaryJson['links']

/** The path of a run in the native API. */
export function pathOf(runId: string): string {
  return `/runs/${encodeURIComponent(runId)}`
}

/** Links as the gateway at hand makes them. */
export function linksFor(runs: { readonly webUiOf: (run: RunSummary) => string }): LinksOf {
  return (run) => ({ self: pathOf(run.runId), web_ui: runs.webUiOf(run) })
}

/** The caller's snake_case fields as the workflow's input. Nothing is checked or changed here. */
export function inputFromJson(json: RunConf): AverageSpeedInput {
  return withoutUndefined({
    rawPath: json.raw_path,
    transformedPath: json.transformed_path,
    failedPath: json.failed_path,
    outputTable: json.output_table,
    writeDisposition: json.write_disposition,
    maxRejects: json.max_rejects,
    maxRejectShare: json.max_reject_share,
    reload: json.reload,
  })
}

/** The callers' names of the input's fields. */
export const INPUT_FIELDS: Readonly<Record<keyof AverageSpeedInput, keyof RunConf>> = {
  rawPath: 'raw_path',
  transformedPath: 'transformed_path',
  failedPath: 'failed_path',
  outputTable: 'output_table',
  writeDisposition: 'write_disposition',
  maxRejects: 'max_rejects',
  maxRejectShare: 'max_reject_share',
  reload: 'reload',
}

/** The workflow's input as the caller's fields. */
export function inputToJson(input: AverageSpeedInput): RunConf {
  return withoutUndefined({
    raw_path: input.rawPath,
    transformed_path: input.transformedPath,
    failed_path: input.failedPath,
    output_table: input.outputTable,
    write_disposition: input.writeDisposition,
    max_rejects: input.maxRejects,
    max_reject_share: input.maxRejectShare,
    reload: input.reload,
  })
}

/** A run as a start and a list show it. */
export function summaryToJson(run: RunSummary, linksOf: LinksOf): RunSummaryJson {
  return withoutUndefined({
    run_id: run.runId,
    workflow_id: run.workflowId,
    status: run.status,
    started_by: run.startedBy,
    retried_by: run.retriedBy,
    started_at: run.startedAt.toISOString(),
    ended_at: run.endedAt?.toISOString(),
    raw_path: run.rawPath,
    step: run.step,
    links: linksOf(run),
  })
}

/** A run in full. */
export function runToJson(run: Run, linksOf: LinksOf): RunJson {
  return withoutUndefined({
    run_id: run.runId,
    workflow_id: run.workflowId,
    status: run.status,
    started_by: run.startedBy,
    retried_by: run.retriedBy,
    started_at: run.startedAt.toISOString(),
    ended_at: run.endedAt?.toISOString(),
    raw_path: run.rawPath,
    links: linksOf(run),
    cancelled_by: run.cancelledBy,
    input: run.input && inputToJson(run.input),
    attempt: run.progress?.attempt,
    cluster_name: run.progress?.clusterName,
    spark_job_id: run.progress?.sparkJobId,
    load_job_id: run.progress?.loadJobId,
    steps: stepsOf(run).map(stepToJson),
    activities: run.activities.map((activity) =>
      withoutUndefined({
        name: activity.name,
        attempt: activity.attempt,
        state: activity.state,
        last_failure: activity.lastFailure,
      }),
    ),
    result: run.result && resultToJson(run.result),
    failure: run.failure && failureToJson(run.failure),
  })
}

function stepsOf(run: Run): readonly StepStatus[] {
  return run.progress?.steps ?? STEPS.map((name) => ({ name, state: 'pending' }) as const)
}

function stepToJson(step: StepStatus): RunJson['steps'][number] {
  return withoutUndefined({
    name: step.name,
    state: step.state,
    started_at: step.startedAt,
    ended_at: step.endedAt,
    detail: step.detail,
  })
}

function resultToJson(result: Partial<AverageSpeedResult>): NonNullable<RunJson['result']> {
  return withoutUndefined({
    raw_path: result.rawPath,
    output_table: result.outputTable,
    write_disposition: result.writeDisposition,
    manifest_uri: result.manifestUri,
    files: result.files,
    bytes: result.bytes,
    rows_read: result.rowsRead,
    rows_written: result.rowsWritten,
    rows_rejected: result.rowsRejected,
    rows_loaded: result.rowsLoaded,
    load_job_id: result.loadJobId,
    loaded_before: result.loadedBefore,
    replaced_batch: result.replacedBatch,
    processed_path: result.processedPath,
    files_archived: result.filesArchived,
    bytes_archived: result.bytesArchived,
    files_left_in_place: result.filesLeftInPlace,
    rejected_path: result.rejectedPath,
    clusters: result.clusters?.map(clusterToJson),
    cluster_seconds: result.clusterSeconds,
    waiting_seconds: result.waitingSeconds,
    queued_seconds: result.queuedSeconds,
    started_by: result.startedBy,
    started_at: result.startedAt,
    attempt: result.attempt,
    cancelled_too_late: result.cancelledTooLate,
    not_cleaned: result.notCleaned && [...result.notCleaned],
    receipt_uri: result.receiptUri,
  })
}

function failureToJson(failure: RunFailure): NonNullable<RunJson['failure']> {
  return withoutUndefined({
    type: failure.type,
    message: failure.message,
    kind: failure.kind,
    step: failure.step,
    raw_files_at: failure.rawFilesAt,
    clusters: failure.clusters?.map(clusterToJson),
    not_cleaned: failure.notCleaned && [...failure.notCleaned],
  })
}

function clusterToJson(cluster: ClusterReceipt) {
  return withoutUndefined({
    name: cluster.name,
    uuid: cluster.uuid,
    seconds: cluster.seconds,
    waiting_seconds: cluster.waitingSeconds,
    deleted: cluster.deleted,
  })
}

/** Members that may be undefined become members that may be absent, which is what a schema means by optional. */
type Present<T> = {
  [K in keyof T as undefined extends T[K] ? never : K]: T[K]
} & { [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined> }

function withoutUndefined<T extends object>(value: T): Present<T> {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as Present<T>
}
