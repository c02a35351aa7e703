import type { DescribeWorkflowExecutionResponse } from '@temporalio/client'
import type { PendingActivity } from './run.ts'

type RawActivity = NonNullable<DescribeWorkflowExecutionResponse['pendingActivities']>[number]

// PendingActivityState: https://github.com/temporalio/api/blob/master/temporal/api/enums/v1/workflow.proto
const STATES: Readonly<Record<number, PendingActivity['state']>> = {
  1: 'scheduled',
  2: 'started',
  3: 'cancel_requested',
  4: 'paused',
  5: 'paused',
}

/** The activities that Temporal is still trying, with the reason of the last failed try. */
export function pendingActivitiesOf(raw: readonly RawActivity[]): readonly PendingActivity[] {
  return raw.map((activity) => ({
    name: activity.activityType?.name ?? 'unknown',
    attempt: activity.attempt ?? 1,
    state: STATES[Number(activity.state)] ?? 'scheduled',
    ...(activity.lastFailure?.message && { lastFailure: activity.lastFailure.message }),
  }))
}
