import type { AverageSpeedResult, ClusterReceipt, RunReceipt } from './contract.ts'
import { runIdOf } from './contract.ts'
import type { Archive, Attempt, Batch, Load, OutputSummary, Prepared } from './run-types.ts'

/** What Spark wrote, and where. */
export interface Output extends OutputSummary {
  readonly attempt: Attempt
}

/** A batch whose rows are in the table. */
export interface Loaded {
  readonly batch: Batch
  readonly load: Load
  /** Absent when an earlier run had loaded the batch. */
  readonly output?: Output
  readonly loadedBefore: boolean
}

/** A batch that has gone all its way. */
export interface Done extends Loaded {
  readonly archive: Archive
}

/** What is known only once everything is cleaned up. */
export interface Ended {
  readonly clusters: readonly ClusterReceipt[]
  readonly notCleaned: readonly string[]
  readonly cancelledTooLate: boolean
  readonly queuedSeconds: number
  readonly startedBy?: string
  readonly startedAt: Date
}

/** The run's account of itself; all but where its receipt lies. */
export function resultOf(
  { plan }: Pick<Prepared, 'plan'>,
  { batch, load, output, loadedBefore, archive }: Done,
  { clusters, notCleaned, cancelledTooLate, queuedSeconds, startedBy, startedAt }: Ended,
): Omit<AverageSpeedResult, 'receiptUri'> {
  return {
    rawPath: plan.rawPath,
    outputTable: load.outputTable,
    writeDisposition: load.writeDisposition,
    manifestUri: batch.manifestUri,
    files: batch.files,
    bytes: batch.bytes,
    ...(output && {
      rowsRead: output.rowsRead,
      rowsWritten: output.rowsWritten,
      rowsRejected: output.rowsRejected,
    }),
    rowsLoaded: load.rows,
    ...(load.jobId !== undefined && { loadJobId: load.jobId }),
    loadedBefore,
    ...(load.replacedBatch !== undefined && { replacedBatch: load.replacedBatch }),
    processedPath: archive.processedPath,
    filesArchived: archive.files,
    bytesArchived: archive.bytes,
    filesLeftInPlace: archive.filesLeftInPlace,
    ...(output && output.rowsRejected > 0 && { rejectedPath: output.attempt.rejectedPath }),
    clusters: [...clusters],
    clusterSeconds: sum(clusters.map(({ seconds }) => seconds)),
    waitingSeconds: sum(clusters.map(({ waitingSeconds = 0 }) => waitingSeconds)),
    ...(queuedSeconds > 0 && { queuedSeconds }),
    ...(startedBy !== undefined && { startedBy }),
    startedAt: startedAt.toISOString(),
    ...(output && { attempt: output.attempt.number }),
    notCleaned: [...notCleaned],
    cancelledTooLate,
  }
}

/** The receipt of a run that ends with this result. */
export function receiptOf(
  result: Omit<AverageSpeedResult, 'receiptUri'>,
  workflowId: string,
  endedAt: Date,
): RunReceipt {
  return {
    receiptVersion: 1,
    runId: runIdOf(workflowId),
    workflowId,
    endedAt: endedAt.toISOString(),
    ...result,
  }
}

/** To the millisecond, which is as exact as its parts are. */
function sum(seconds: readonly number[]): number {
  return Math.round(seconds.reduce((total, one) => total + one, 0) * 1000) / 1000
}
