/** How long a cluster may live before it deletes itself. */

const MINUTE_MS = 60_000

// Between the job's deadline and the cluster's own end: time to notice, and to delete it in good order.
const MARGIN_MS = 30 * MINUTE_MS

/** A cluster serves one job at once; one that is idle for half an hour has lost its run, or its worker for too long. */
export const IDLE_DELETE_SECONDS = 30 * 60

/** Milliseconds from the request to create a cluster to its own end: all deadlines of a run, and a margin. */
export function clusterLifetimeMs(deadlines: {
  readonly createClusterDeadlineMinutes: number
  readonly sparkJobDeadlineMinutes: number
}): number {
  const { createClusterDeadlineMinutes, sparkJobDeadlineMinutes } = deadlines
  return (createClusterDeadlineMinutes + sparkJobDeadlineMinutes) * MINUTE_MS + MARGIN_MS
}
