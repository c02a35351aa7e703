import { setTimeout as sleep } from 'node:timers/promises'
import type { temporal } from '@temporalio/proto'
import {
  type AverageSpeedResult,
  type FailureDetails,
  PROGRESS_MEMO,
  type RunProgress,
} from '../../workflows/contract.ts'
import type { Pipeline } from '../support/pipeline.ts'
import { patiently } from './patience.ts'

/** How a run ended, as Temporal and the run itself tell it. */
export interface RunEnd {
  readonly workflowId: string
  /** Temporal's status; `RUNNING` for a run that did not end in time. */
  readonly status: string
  readonly failure?: { readonly type: string; readonly message: string; readonly details?: FailureDetails }
  readonly result?: AverageSpeedResult
  readonly progress?: RunProgress
  /** The attempts in its history, by their keys. */
  readonly keys: ReadonlySet<string>
}

/** Waits until the latest run of a workflow has ended; gives up after `limitMs`. */
export async function endOf(
  { temporal: client }: Pipeline,
  workflowId: string,
  limitMs: number,
): Promise<RunEnd> {
  const handle = client.workflow.getHandle(workflowId)
  const deadline = Date.now() + limitMs
  for (;;) {
    const { status, memo } = await patiently(() => handle.describe())
    if (status.name !== 'RUNNING' || Date.now() > deadline) {
      const history = await patiently(() => handle.fetchHistory())
      const progress = memo?.[PROGRESS_MEMO] as RunProgress | undefined
      return { workflowId, status: status.name, ...(progress && { progress }), ...lastEvent(history) }
    }
    await sleep(200)
  }
}

/** Outcome and attempts, as history has them; read from the events, so that a closed run of any end can be looked at. */
function lastEvent({
  events,
}: temporal.api.history.v1.IHistory): Pick<RunEnd, 'failure' | 'result' | 'keys'> {
  const keys = new Set<string>()
  for (const event of events ?? []) {
    for (const payload of event.activityTaskScheduledEventAttributes?.input?.payloads ?? []) {
      const { key } = (parsed(payload.data) ?? {}) as { readonly key?: unknown }
      if (typeof key === 'string') keys.add(key)
    }
  }
  const last = events?.at(-1)
  const failed = last?.workflowExecutionFailedEventAttributes?.failure
  const completed = last?.workflowExecutionCompletedEventAttributes?.result?.payloads?.[0]
  const info = failed?.applicationFailureInfo
  const details = parsed(info?.details?.payloads?.[0]?.data) as FailureDetails | undefined
  return {
    keys,
    ...(failed && {
      failure: { type: info?.type ?? 'none', message: failed.message ?? '', ...(details && { details }) },
    }),
    ...(completed && { result: parsed(completed.data) as AverageSpeedResult }),
  }
}

function parsed(data: Uint8Array | null | undefined): unknown {
  return data == null ? undefined : JSON.parse(Buffer.from(data).toString())
}
