import { setTimeout as sleep } from 'node:timers/promises'
import type { temporal } from '@temporalio/proto'
import type { Pipeline, Run } from '../support/pipeline.ts'
import type { Moment } from './moments.ts'
import { patiently } from './patience.ts'

type HistoryEvent = temporal.api.history.v1.IHistoryEvent

/** A moment that is waited for. */
export interface Gate {
  /** Waits until the moment has come. @returns false when it has not come in time */
  held(waitMs: number): Promise<boolean>
  /** Where a call is held: lets it go on, or drops it. */
  release(end: 'go' | 'drop'): Promise<void>
  remove(): Promise<void>
}

/**
 * The boundary of an activity: it has been scheduled (`before`), or has been completed (`after`), as the run's history says.
 * Nothing is held: the run goes on while the blow falls.
 */
export function activityBoundary({ temporal: client }: Pipeline, run: Run, { call, n, when }: Moment): Gate {
  const names = new Map<string, string>()
  let nextPageToken: Uint8Array = new Uint8Array()
  let passed = 0
  let isOver = false

  function note(event: HistoryEvent): void {
    const scheduled = event.activityTaskScheduledEventAttributes?.activityType?.name
    if (scheduled != null) names.set(String(event.eventId), scheduled)
    const completed = names.get(String(event.activityTaskCompletedEventAttributes?.scheduledEventId))
    if ((when === 'before' ? scheduled : completed) === call) passed += 1
  }

  async function read(waitMs: number): Promise<void> {
    const { connection, options } = client
    const { history, nextPageToken: token } = await connection.withDeadline(Date.now() + waitMs, () =>
      connection.workflowService.getWorkflowExecutionHistory({
        namespace: options.namespace,
        execution: { workflowId: run.workflowId },
        waitNewEvent: true,
        nextPageToken,
      }),
    )
    for (const event of history?.events ?? []) note(event)
    nextPageToken = token
    isOver = token.length === 0
  }

  return {
    async held(waitMs) {
      const deadline = Date.now() + waitMs
      while (passed < n && !isOver && Date.now() < deadline) {
        // Before the run has begun, while Temporal is away, or when there is nothing new in time.
        await read(deadline - Date.now()).catch(() => sleep(50))
      }
      if (isOver && passed < n) await sleep(Math.max(0, deadline - Date.now()))
      return passed >= n && (await patiently(() => run.describe())).status.name === 'RUNNING'
    },
    release: () => Promise.resolve(),
    remove: () => Promise.resolve(),
  }
}
