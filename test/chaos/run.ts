import { setTimeout as sleep } from 'node:timers/promises'
import { WORKFLOW_TYPE, workflowIdOf } from '../../workflows/contract.ts'
import type { Pipeline, Run } from '../support/pipeline.ts'
import { type ChaosBatch, putBatches } from './chaos-batches.ts'
import { endOf, type RunEnd } from './ends.ts'
import {
  type Aftermath,
  INVARIANTS,
  type Invariant,
  type Violation,
  violationsOf,
  wasCut,
} from './invariants.ts'
import type { Lane } from './lanes.ts'
import { patiently } from './patience.ts'
import type { PlannedRun } from './plan.ts'
import { arm } from './strikes.ts'
import { lookAt, rowsByMark } from './world.ts'

/** A run that hangs longer than this has not ended: each dead worker costs it one heartbeat timeout. */
const LIMIT_MS = 300_000

/** What a terminated or reset run had begun lets go with the reply to its next heartbeat. */
const LETTING_GO_MS = 30_000

/** Where runs take place. */
export interface Arena {
  readonly pipeline: Pipeline
  restartTemporal(kill: boolean): Promise<void>
}

/** How a planned run went. */
export interface RunOutcome {
  /** True when a blow did not strike while its run was open: then the run counts for nothing. */
  readonly missed: boolean
  /** How the runs ended, each as in `COMPLETED` or `FAILED Stockout`. */
  readonly ends: readonly string[]
  readonly checked: readonly Invariant[]
  readonly violations: readonly Violation[]
}

/** Carries out a planned run on a lane: the blows, the end, the invariants, and a plain run of the same batch after it. */
export async function carryOut(arena: Arena, lane: Lane, plan: PlannedRun): Promise<RunOutcome> {
  const { pipeline } = arena
  const batches = await putBatches(pipeline, plan)
  const name = `chaos-${plan.seed}-${plan.number}-${plan.misses}`
  const ids = batches.map((_, i) => workflowIdOf(`${name}-${i}`))
  const violations: Violation[] = []
  const armed = await Promise.all(
    plan.strikes.map((strike) =>
      arm(strike, {
        pipeline,
        lane,
        victim: handleOf(pipeline, ids[plan.victim] ?? ''),
        outputTable: batches[0]?.input.outputTable ?? '',
        restartTemporal: arena.restartTemporal,
        complain: (what) => violations.push({ invariant: 1, what }),
      }),
    ),
  )
  const endsOf = () => Promise.all(ids.map((id) => endOf(pipeline, id, LIMIT_MS)))
  await Promise.all(batches.map((batch, i) => start(pipeline, lane, ids[i] ?? '', batch)))
  await endsOf()
  const landed = await Promise.all(armed.map((each) => each.settle()))
  // A blow may have opened a run again, as a reset does.
  const ends = await endsOf()
  const told = ends.map(({ status, failure }) => (failure ? `${status} ${failure.type}` : status))
  if (landed.includes(false) && violations.length === 0)
    return { missed: true, ends: told, checked: [], violations }
  for (const [i, end] of ends.entries()) {
    violations.push(...(await judge(arena, lane, { plan, batch: batches[i], end, id: ids[i] })))
  }
  const retried = violations.length === 0 ? await retry(arena, lane, { plan, batches, ends, name }) : []
  violations.push(...retried)
  if (violations.length === 0) violations.push(...(await replacedTable(pipeline, plan, batches, ends)))
  const checked = Object.keys(INVARIANTS).map((number) => Number(number) as Invariant)
  return { missed: false, ends: told, checked, violations }
}

interface Judged {
  readonly plan: PlannedRun
  readonly batch: ChaosBatch | undefined
  readonly end: RunEnd
  readonly id: string | undefined
  readonly isRetry?: boolean
}

/** Checks a run that has ended; for one that was cut off, once what it had begun has let go and the sweep has come. */
async function judge(
  { pipeline }: Arena,
  lane: Lane,
  { plan, batch, end, id = '', isRetry = false }: Judged,
): Promise<Violation[]> {
  if (batch === undefined) throw new Error('A run without a batch cannot be judged.')
  const deadline = Date.now() + LETTING_GO_MS
  for (;;) {
    const world = await lookAt(pipeline, batch, id)
    const aftermath: Aftermath = { plan, batch, end, world, isRetry }
    const violations = violationsOf(aftermath)
    if (violations.length === 0 || !wasCut(aftermath) || Date.now() > deadline) return violations
    await lane.sweep()
    await sleep(500)
  }
}

/** A plain new run of each batch whose run has not completed. Bad data fails again, by its name. */
async function retry(
  arena: Arena,
  lane: Lane,
  done: {
    readonly plan: PlannedRun
    readonly batches: readonly ChaosBatch[]
    readonly ends: readonly RunEnd[]
    readonly name: string
  },
): Promise<Violation[]> {
  const { plan, batches, ends, name } = done
  const violations: Violation[] = []
  for (const [i, batch] of batches.entries()) {
    if (ends[i]?.status === 'COMPLETED') continue
    const id = workflowIdOf(`${name}-${i}-retry`)
    await start(arena.pipeline, lane, id, batch)
    const end = await endOf(arena.pipeline, id, LIMIT_MS)
    const isAsExpected = batch.isBad
      ? /^(TooManyRejects|RawFileUnreadable)$/.test(end.failure?.type ?? '')
      : end.status === 'COMPLETED'
    if (!isAsExpected) {
      const what = `A plain new run is ${end.status} (${end.failure?.type}: ${end.failure?.message}).`
      violations.push({ invariant: 9, what })
    } else {
      violations.push(...(await judge(arena, lane, { plan, batch, end, id, isRetry: true })))
    }
  }
  return violations
}

/** A table that several batches have replaced holds one of them, whole. */
async function replacedTable(
  pipeline: Pipeline,
  { kind }: PlannedRun,
  batches: readonly ChaosBatch[],
  ends: readonly RunEnd[],
): Promise<Violation[]> {
  const [first] = batches
  if (kind !== 'together-replacing' || first === undefined) return []
  const rows = await rowsByMark(pipeline, first.input.outputTable)
  const held = Object.entries(rows)
  const isWhole = held.length === 1 && held.every(([mark, count]) => rowsOf(batches, mark) === count)
  if (isWhole || (held.length === 0 && ends.every(({ status }) => status !== 'COMPLETED'))) return []
  return [{ invariant: 2, what: `The replaced table holds ${JSON.stringify(rows)}.` }]
}

function rowsOf(batches: readonly ChaosBatch[], mark: string): number | undefined {
  return batches.find((batch) => batch.mark === mark)?.rows
}

function handleOf({ temporal }: Pipeline, workflowId: string): Run {
  return temporal.workflow.getHandle(workflowId)
}

async function start(pipeline: Pipeline, lane: Lane, workflowId: string, batch: ChaosBatch): Promise<void> {
  const { taskQueue } = lane
  await patiently(() =>
    pipeline.temporal.workflow.start(WORKFLOW_TYPE, {
      workflowId,
      taskQueue,
      args: [batch.input],
      workflowIdConflictPolicy: 'USE_EXISTING',
    }),
  )
}
