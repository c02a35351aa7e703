import { randomUUID } from 'node:crypto'
// A CommonJS module whose names Node does not see.
import proto from '@temporalio/proto'
import type { Pipeline, Run } from './pipeline.ts'

const { temporal } = proto
const { EventType } = temporal.api.enums.v1

/** The kinds of event that a run may be reset to: `workflow_task_finish_event_id` in Temporal's API. */
const FINISHED = new Set([
  EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED,
  EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED,
  EventType.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT,
])

/** A point that the Web UI offers for a reset. */
export interface ResetPoint {
  readonly eventId: number
  /** What the workflow asked for at this point, as in `createCluster`. */
  readonly before: string
}

/** Every point to which a run's history can be reset, first to last. */
export async function resetPoints(run: Run): Promise<ResetPoint[]> {
  const { events } = await run.fetchHistory()
  const points: ResetPoint[] = []
  for (const [i, event] of (events ?? []).entries()) {
    if (!FINISHED.has(event.eventType ?? 0)) continue
    const next = (events ?? []).slice(i + 1).findIndex(({ eventType }) => FINISHED.has(eventType ?? 0))
    const asked = (events ?? [])
      .slice(i + 1, next < 0 ? undefined : i + 1 + next)
      .map((each) => each.activityTaskScheduledEventAttributes?.activityType?.name)
    points.push({
      eventId: Number(event.eventId),
      before: asked.filter((name) => name != null).join(', '),
    })
  }
  return points
}

/** The event that says that an activity has failed for good. */
export async function failureOf(run: Run, activity: string): Promise<number> {
  const events = (await run.fetchHistory()).events ?? []
  const scheduled = events.find(
    (event) => event.activityTaskScheduledEventAttributes?.activityType?.name === activity,
  )
  const failed = events.find(
    (event) =>
      String(event.activityTaskFailedEventAttributes?.scheduledEventId) === String(scheduled?.eventId),
  )
  if (failed === undefined) throw new Error(`${activity} has not failed.`)
  return Number(failed.eventId)
}

/**
 * Resets a run as the Web UI does: by ResetWorkflowExecution.
 * @returns the run that goes on from there
 */
export async function resetRun({ temporal: client }: Pipeline, run: Run, eventId: number): Promise<Run> {
  const { runId } = await run.describe()
  const request = temporal.api.workflowservice.v1.ResetWorkflowExecutionRequest.fromObject({
    namespace: client.options.namespace,
    workflowExecution: { workflowId: run.workflowId, runId },
    reason: 'a test',
    requestId: randomUUID(),
    workflowTaskFinishEventId: eventId,
  })
  const answer = await client.workflowService.resetWorkflowExecution(request)
  return client.workflow.getHandle(run.workflowId, answer.runId)
}
