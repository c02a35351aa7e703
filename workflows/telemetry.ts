/**
 * What a run tells the worker's metrics and log. Neither is repeated on replay, and neither is part of history, so all of
 * this may change freely. No label has a value of its own for each run.
 */

import { log, metricMeter } from '@temporalio/workflow'
import type { ClusterReceipt, FailureDetails, FailureType, StepName, StepState } from './contract.ts'

/** How a run ended. */
export type RunEnd =
  | { readonly state: 'completed' | 'cancelled' }
  | { readonly state: 'failed'; readonly type: FailureType }

/** Counts a run that has ended: `average_speed_runs`, by `end_state` and `failure_type`, which is `none` unless it failed. */
export function countRun(end: RunEnd): void {
  metricMeter
    .createCounter('average_speed_runs', undefined, 'Runs that have ended')
    .add(1, { end_state: end.state, failure_type: end.state === 'failed' ? end.type : 'none' })
}

/** Records a step that has ended: `average_speed_step_seconds`, by `step` and `state`. */
export function recordStep(step: StepName, state: StepState, seconds: number): void {
  metricMeter
    .createHistogram('average_speed_step_seconds', 'float', undefined, 'How long steps take, in seconds')
    .record(Math.max(0, seconds), { step, state })
}

/**
 * Records a cluster that has ended: `average_speed_cluster_seconds`, by `deleted`, and `average_speed_waiting_seconds`,
 * the paid part of them in which it had no job, where that is known.
 */
export function recordCluster({ seconds, waitingSeconds, deleted }: ClusterReceipt): void {
  metricMeter
    .createHistogram(
      'average_speed_cluster_seconds',
      'float',
      undefined,
      'Seconds that clusters were paid for',
    )
    .record(Math.max(0, seconds), { deleted: String(deleted) })
  if (waitingSeconds === undefined) return
  metricMeter
    .createHistogram(
      'average_speed_waiting_seconds',
      'float',
      undefined,
      'Seconds in which a running cluster had no job',
    )
    .record(Math.max(0, waitingSeconds))
}

/** Counts rows that a run has loaded, or rejected: `average_speed_rows`, by `outcome`. */
export function countRows(outcome: 'loaded' | 'rejected', rows: number): void {
  metricMeter
    .createCounter('average_speed_rows', undefined, 'Rows loaded, and records rejected')
    .add(rows, { outcome })
}

/** Counts clusters that the sweep has deleted: `average_speed_orphans_reaped`. */
export function countOrphans(clusters: number): void {
  metricMeter
    .createCounter('average_speed_orphans_reaped', undefined, 'Clusters that the scheduled sweep has deleted')
    .add(clusters)
}

/** One line for a run that failed. The SDK adds its workflow id and run id. */
export function logFailure(type: FailureType, message: string, details: FailureDetails): void {
  log.error('the run failed', {
    failureType: type,
    step: details.step,
    failureMessage: message,
    ...(details.rawFilesAt !== undefined && { rawFilesAt: details.rawFilesAt }),
    notCleaned: [...details.notCleaned],
  })
}

/** One line for a teardown that is stuck: a cluster is paid for and does not go away. */
export function logStuckTeardown(clusterName: string, message: string): void {
  log.error('a teardown is stuck', { clusterName, failureMessage: message })
}
