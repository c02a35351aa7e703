import type { ClusterTimes } from './run-types.ts'

/**
 * Paid seconds in which a running cluster had no job, never less than 0: until its job was taken, and from the job's end
 * until its deletion was asked for. Nothing for a cluster that never ran, or of which too little is known.
 */
export function waitingSeconds(times: ClusterTimes): number | undefined {
  const { runningAt, jobAcceptedAt, jobEndedAt, deleteRequestedAt } = times
  if (runningAt === undefined) return undefined
  if (jobAcceptedAt === undefined) {
    return deleteRequestedAt === undefined ? undefined : secondsBetween(runningAt, deleteRequestedAt)
  }
  const after =
    jobEndedAt === undefined || deleteRequestedAt === undefined
      ? 0
      : secondsBetween(jobEndedAt, deleteRequestedAt)
  return secondsBetween(runningAt, jobAcceptedAt) + after
}

/** Seconds from one ISO 8601 time to another, and 0 when the clocks that told them disagree. */
function secondsBetween(from: string, to: string): number {
  return Math.max(0, (Date.parse(to) - Date.parse(from)) / 1000)
}
