/** The activities as the workflow sees them: every timeout and retry limit with its reason. */

import {
  ActivityCancellationType,
  proxyActivities,
  proxyLocalActivities,
  type RetryPolicy,
} from '@temporalio/workflow'
import type { Activities } from '../activities/index.ts'
import type { Deadlines } from './run-types.ts'

// Cleanup must not overlap the activity that is being cancelled, so the workflow waits until it has let go.
const cancellationType = ActivityCancellationType.WAIT_CANCELLATION_COMPLETED

// No limit on tries: what may not be retried says so itself, and the schedule-to-close timeout bounds the rest. The
// longest pause is short, because a paid cluster may be waiting.
const retry: RetryPolicy = {
  initialInterval: '1 second',
  backoffCoefficient: 2,
  maximumInterval: '30 seconds',
}

// They heartbeat every five seconds, so half a minute without one means that their worker is gone. Until that is noticed,
// a paid cluster may be waiting.
const heartbeatTimeout = '30 seconds'

/** Reads the settings of the deployment. In-process and without I/O, so a local activity. */
export const { prepareRun } = proxyLocalActivities<Activities>({
  startToCloseTimeout: '10 seconds',
  retry: { maximumAttempts: 3 },
})

/**
 * A few calls each, which may be repeated, so local activities: they cost no round trip through the server. An outage of
 * an hour is sat out; nothing is paid for meanwhile. A pause longer than five seconds is a timer, so that the workflow task
 * that they belong to does not last.
 */
export const { claimBatch, findLoad, claimTableIfFree, writeReceipt } = proxyLocalActivities<Activities>({
  startToCloseTimeout: '2 minutes',
  scheduleToCloseTimeout: '1 hour',
  localRetryThreshold: '5 seconds',
  cancellationType,
  retry,
})

/** A claim whose run is closed counts for nothing, so giving up on its release does no harm. Local for the same reason. */
export const { releaseBatch } = proxyLocalActivities<Activities>({
  startToCloseTimeout: '1 minute',
  scheduleToCloseTimeout: '10 minutes',
  localRetryThreshold: '5 seconds',
  cancellationType,
  retry,
})

/** Waits for the load of another run, which may take as long as a load may. */
export const { awaitLoad } = proxyActivities<Activities>({
  startToCloseTimeout: '24 hours',
  scheduleToCloseTimeout: '24 hours',
  heartbeatTimeout,
  cancellationType,
  retry,
})

/**
 * A signal to a workflow of our own, so what it waits for is only Temporal. Not a local activity: the run's memo must name
 * the cluster before a slot is asked for, and a local activity would ask first.
 */
export const { requestClusterSlot } = proxyActivities<Activities>({
  startToCloseTimeout: '10 seconds',
  cancellationType,
  retry,
})

/** Waits for the end of a cluster that a reset has cut off; it is asked for again as long as the run waits for a slot. */
export const { removeEarlierClusters } = proxyActivities<Activities>({
  startToCloseTimeout: '30 minutes',
  heartbeatTimeout,
  cancellationType,
  retry: { maximumAttempts: 1 },
})

/** A few reads of Dataproc and Temporal for each cluster; whoever asks repeats it. */
export const { listSlotHolders, findLapsedSlots } = proxyActivities<Activities>({
  startToCloseTimeout: '5 minutes',
  scheduleToCloseTimeout: '30 minutes',
  heartbeatTimeout,
  retry,
})

/** Lists and moves files, up to hundreds of thousands; a try goes on where the last one stopped. */
export const { describeRawFiles } = proxyActivities<Activities>({
  startToCloseTimeout: '6 hours',
  scheduleToCloseTimeout: '12 hours',
  heartbeatTimeout,
  cancellationType,
  retry,
})

/** Reads the job's summary and lists the raw files once more; the cluster is being deleted meanwhile. */
export const { verifyOutput } = proxyActivities<Activities>({
  startToCloseTimeout: '30 minutes',
  scheduleToCloseTimeout: '2 hours',
  heartbeatTimeout,
  cancellationType,
  retry,
})

/** Waits for other batches' loads of the same table, which may be many, and each as long as a load may take. */
export const { claimTable } = proxyActivities<Activities>({
  startToCloseTimeout: '24 hours',
  scheduleToCloseTimeout: '24 hours',
  heartbeatTimeout,
  cancellationType,
  retry,
})

/** Past the load there is no way back (P10), so these go on through an outage of days. */
export const { loadTable, recordEmptyBatch, archiveRawFiles, moveRawFilesToFailed } =
  proxyActivities<Activities>({
    startToCloseTimeout: '24 hours',
    scheduleToCloseTimeout: '7 days',
    heartbeatTimeout,
    cancellationType,
    retry,
  })

/** Deleting temporary files is tried for an hour (P11). */
export const { deleteTemporaryFiles } = proxyActivities<Activities>({
  startToCloseTimeout: '1 hour',
  scheduleToCloseTimeout: '1 hour',
  heartbeatTimeout,
  cancellationType,
  retry,
})

/** The load gives the table up by itself, so only a run that fails needs this. Giving up does no harm here either. */
export const { releaseTable } = proxyActivities<Activities>({
  startToCloseTimeout: '1 minute',
  scheduleToCloseTimeout: '10 minutes',
  heartbeatTimeout,
  cancellationType,
  retry,
})

/** Best effort, for the report on a failed creation: two minutes at most (P5). */
export const { diagnoseCluster } = proxyActivities<Activities>({
  startToCloseTimeout: '2 minutes',
  scheduleToCloseTimeout: '2 minutes',
  heartbeatTimeout,
  cancellationType,
  retry: { maximumAttempts: 1 },
})

/** The creation, whose whole time is the deployment's deadline. */
export function creation(deadlines: Deadlines) {
  return proxyActivities<Activities>({
    scheduleToCloseTimeout: deadlines.createCluster,
    heartbeatTimeout,
    cancellationType,
    retry,
  })
}

/** The Spark job, whose whole time is the deployment's deadline. */
export function sparkJob(deadlines: Deadlines) {
  return proxyActivities<Activities>({
    scheduleToCloseTimeout: deadlines.sparkJob,
    heartbeatTimeout,
    cancellationType,
    retry,
  })
}

/**
 * The delete is retried until the cluster is gone or has deleted itself for ten minutes (P11). `tries` bounds the quiet
 * part, after which the run shows that its teardown is pending.
 */
export function teardown(deadlines: Deadlines, tries?: number) {
  return proxyActivities<Activities>({
    startToCloseTimeout: '30 minutes',
    scheduleToCloseTimeout: deadlines.clusterLifetime + 10 * 60_000,
    heartbeatTimeout,
    cancellationType,
    retry: tries === undefined ? retry : { ...retry, maximumAttempts: tries },
  })
}

/** One look at every cluster of the deployment; the next sweep comes soon enough. */
export const { reapOrphans } = proxyActivities<Activities>({
  startToCloseTimeout: '10 minutes',
  scheduleToCloseTimeout: '10 minutes',
  heartbeatTimeout,
  cancellationType,
  retry,
})
