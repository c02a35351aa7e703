import { setTimeout as sleep } from 'node:timers/promises'
import { PROGRESS_MEMO, type RunProgress } from '../../workflows/contract.ts'
import type { Pipeline, Run } from '../support/pipeline.ts'
import { resetPoints, resetRun } from '../support/resets.ts'
import type { Blow, Strike } from './blows.ts'
import { activityBoundary, type Gate } from './boundaries.ts'
import type { Lane } from './lanes.ts'
import type { Moment } from './moments.ts'
import { patiently } from './patience.ts'

/** What a blow strikes. */
export interface Target {
  readonly pipeline: Pipeline
  readonly lane: Lane
  /** The run that is cancelled, terminated, reset, or loses its cluster. */
  readonly victim: Run
  readonly outputTable: string
  /** Restarts Temporal; one restart after the other. */
  restartTemporal(kill: boolean): Promise<void>
  /** Notes what must not happen while a blow strikes. */
  complain(what: string): void
}

/** A blow that waits for its moment. */
export interface ArmedStrike {
  /** Called when the runs have ended: ends the wait. @returns whether the blow has struck while the run was open */
  settle(): Promise<boolean>
}

type HoldingBlow = Extract<Blow, { readonly callEnds: 'go' | 'drop' }>

/** Makes a blow ready, before the run begins. */
export async function arm(strike: Strike, target: Target): Promise<ArmedStrike> {
  const { blow, moment } = strike
  const { lane } = target
  if (moment === undefined) return armOwnMoment(blow, target)
  if (moment.service === 'temporal') {
    if (!('callEnds' in blow)) throw new Error(`A ${blow.kind} strikes a call.`)
    return armHold(blow, activityBoundary(target.pipeline, target.victim, moment), target)
  }
  if ('callEnds' in blow) {
    const fault = await lane.addFault(moment.service, { ...faultAt(moment), kind: 'hold' })
    return armHold(blow, fault, target)
  }
  const fault = await lane.addFault(moment.service, { ...faultAt(moment), ...blow })
  return {
    async settle() {
      const hits = await fault.hits()
      await fault.remove()
      return hits > 0
    },
  }
}

function faultAt({ call, about, n, when }: Moment): object {
  return { on: call, skip: n - 1, when, ...(about !== '' && { match: about }) }
}

function armHold(blow: HoldingBlow, fault: Gate, target: Target): ArmedStrike {
  let isOver = false
  let hasLanded = false
  const watch = async (): Promise<void> => {
    while (!(await fault.held(1_000))) if (isOver) return
    if (isOver) return
    try {
      hasLanded = await act(blow, fault, target)
    } finally {
      await fault.release(blow.callEnds)
    }
  }
  const watching = watch()
  // A failure of the driver itself is told by `settle`; until then nobody else listens.
  watching.catch(() => undefined)
  return {
    async settle() {
      isOver = true
      await watching
      await fault.remove()
      return hasLanded
    },
  }
}

/** Strikes while the call is held. @returns whether it has struck */
async function act(blow: HoldingBlow, fault: Gate, target: Target): Promise<boolean> {
  const { pipeline, lane, victim } = target
  if (!(await isOpen(victim))) return false
  switch (blow.kind) {
    case 'kill-worker':
      await lane.replaceWorker('SIGKILL', () => fault.release(blow.callEnds))
      return true
    case 'stop-worker':
      await lane.replaceWorker('SIGTERM', async () => {
        // The worker hears the signal before its call goes on.
        await sleep(200)
        await fault.release(blow.callEnds)
      })
      return true
    case 'restart-temporal':
    case 'kill-temporal':
      await target.restartTemporal(blow.kind === 'kill-temporal')
      return isOpen(victim)
    case 'cancel':
      await patiently(() => victim.cancel())
      return true
    case 'terminate':
      await patiently(() => victim.terminate('a blow'))
      return true
    case 'reset': {
      const points = await patiently(() => resetPoints(victim))
      const point = points[blow.point % Math.max(1, points.length)]
      if (point === undefined) return false
      await patiently(() => resetRun(pipeline, victim, point.eventId))
      return true
    }
    case 'sweep': {
      const deleted = await lane.sweep()
      const { status, memo } = await patiently(() => victim.describe())
      const { clusterName = '' } = (memo?.[PROGRESS_MEMO] ?? {}) as Partial<RunProgress>
      if (status.name === 'RUNNING' && deleted.includes(clusterName))
        target.complain(`The sweep has deleted ${clusterName}, which an open run works with.`)
      return true
    }
    default:
      return strikeDataproc(blow.kind, target)
  }
}

async function strikeDataproc(
  kind: 'cluster-error' | 'cluster-vanish' | 'job-error' | 'job-cancelled' | 'job-vanish',
  { pipeline, victim }: Target,
): Promise<boolean> {
  const { clusters, jobs } = await pipeline.ledgerOf(victim.workflowId)
  const cluster = clusters.find(({ deleted, state }) => deleted === undefined && state === 'RUNNING')
  const job = jobs.find(({ state }) => !['DONE', 'ERROR', 'CANCELLED'].includes(state))
  if (cluster === undefined || job === undefined) return false
  const path = {
    'cluster-error': `/clusters/${cluster.name}/fail`,
    'cluster-vanish': `/clusters/${cluster.name}/vanish`,
    'job-error': `/jobs/${job.id}/fail`,
    'job-cancelled': `/jobs/${job.id}/cancel-outside`,
    'job-vanish': `/jobs/${job.id}/vanish`,
  }[kind]
  try {
    await pipeline.dataproc.post(path, {})
    return true
  } catch {
    // It has ended by itself just now.
    return false
  }
}

async function armOwnMoment(blow: Blow, { pipeline, lane, outputTable }: Target): Promise<ArmedStrike> {
  if (blow.kind === 'load-error') {
    const { reason, times } = blow
    await pipeline.bigquery.post('/job-faults', {
      type: 'load',
      reason,
      times,
      match: outputTable.split('.')[2],
    })
    return {
      async settle() {
        const waiting = await pipeline.bigquery.get<readonly { readonly match?: string }[]>('/job-faults')
        return !waiting.some(({ match }) => match === outputTable.split('.')[2])
      },
    }
  }
  if (blow.kind !== 'stockout' && blow.kind !== 'boot-failure' && blow.kind !== 'quota')
    throw new Error(`A ${blow.kind} needs a moment.`)
  const match = `"deployment":"${lane.name}"`
  const { kind, times } = blow
  const { id } = await pipeline.dataproc.post('/cluster-faults', { kind, times, match })
  return {
    async settle() {
      const faults =
        await pipeline.dataproc.get<readonly { readonly id: string; readonly hits: number }[]>(
          '/cluster-faults',
        )
      await pipeline.dataproc.delete(`/cluster-faults/${id}`)
      return (faults.find((fault) => fault.id === id)?.hits ?? 0) > 0
    },
  }
}

async function isOpen(run: Run): Promise<boolean> {
  const { status } = await patiently(() => run.describe())
  return status.name === 'RUNNING'
}
