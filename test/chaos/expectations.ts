import type { FailureType } from '../../workflows/contract.ts'
import type { Blow, Strike } from './blows.ts'
import type { PlannedRun } from './plan.ts'

/** How a run may end. */
export interface AllowedEnds {
  readonly statuses: ReadonlySet<string>
  /** Types of failure that the blows can cause; a failure of another type hides what has happened. */
  readonly failures: ReadonlySet<string>
}

/** How the runs of a plan may end after their blows. What passes by (an outage, a dead worker, a restart) ends no run. */
export function allowedEnds(plan: PlannedRun): AllowedEnds {
  const failures = new Set<FailureType>()
  const statuses = new Set<string>()
  if (plan.kind === 'bad-data') {
    failures.add('TooManyRejects')
    failures.add('RawFileUnreadable')
  } else {
    statuses.add('COMPLETED')
  }
  if (plan.kind === 'rivals') failures.add('BatchInProgress')
  for (const strike of plan.strikes) {
    const status = endOf(strike.blow)
    if (status !== undefined) statuses.add(status)
    for (const type of failuresOf(strike, plan.strikes.length > 1)) failures.add(type)
  }
  if (failures.size > 0) statuses.add('FAILED')
  return { statuses, failures }
}

function endOf({ kind }: Blow): string | undefined {
  return kind === 'cancel' ? 'CANCELLED' : kind === 'terminate' ? 'TERMINATED' : undefined
}

function failuresOf({ blow }: Strike, isDouble: boolean): readonly FailureType[] {
  switch (blow.kind) {
    case 'stockout':
      // Two zones are tried.
      return blow.times > 1 || isDouble ? ['Stockout'] : []
    case 'quota':
      return ['QuotaExceeded']
    case 'boot-failure':
      return blow.times > 1 || isDouble ? ['ClusterCreationFailed'] : []
    case 'cluster-error':
    case 'cluster-vanish':
    case 'job-vanish':
      // One more cluster is tried.
      return isDouble ? ['ClusterGone'] : []
    case 'job-error':
      return ['SparkJobFailed']
    case 'job-cancelled':
      return ['SparkJobCancelled']
    case 'load-error':
      return blow.reason === 'invalid' ? ['LoadFailed'] : []
    default:
      return []
  }
}
