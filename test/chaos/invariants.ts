import type { ChaosBatch } from './chaos-batches.ts'
import type { RunEnd } from './ends.ts'
import { allowedEnds } from './expectations.ts'
import type { PlannedRun } from './plan.ts'
import type { World } from './world.ts'

/** What must hold after every run, whatever has struck it. */
export const INVARIANTS = {
  1: 'no cluster is left',
  2: "the batch's rows are in the table once or not at all, as the end says",
  3: 'every raw file is in one place, with its bytes',
  4: 'nothing is left under the temporary paths',
  5: 'Temporal, the run and the world tell the same',
  6: 'the failure is one that the blow can cause',
  7: 'no claim is left',
  8: 'one Spark job an attempt, one committed load a batch',
  9: 'a plain new run of the batch succeeds',
  10: "a completed run's receipt says what table and objects show",
} as const
export type Invariant = keyof typeof INVARIANTS

/** An invariant that did not hold. */
export interface Violation {
  readonly invariant: Invariant
  readonly what: string
}

/** A run that has ended, and what the world looks like now. */
export interface Aftermath {
  readonly plan: PlannedRun
  readonly batch: ChaosBatch
  readonly end: RunEnd
  readonly world: World
  /** A run without blows, after the struck one. */
  readonly isRetry: boolean
}

/** Checks all invariants of one run but the ninth, which takes another run. */
export function violationsOf(aftermath: Aftermath): Violation[] {
  return [
    ...clusters(aftermath),
    ...rows(aftermath),
    ...rawFiles(aftermath),
    ...temporaryFiles(aftermath),
    ...status(aftermath),
    ...failure(aftermath),
    ...claims(aftermath),
    ...once(aftermath),
    ...receipt(aftermath),
  ]
}

/** True when no code of the run has ended it, or an earlier part of it was cut off. */
export function wasCut({ plan, isRetry }: Pick<Aftermath, 'plan' | 'isRetry'>): boolean {
  return !isRetry && plan.strikes.some(({ blow }) => blow.kind === 'terminate' || blow.kind === 'reset')
}

function violation(invariant: Invariant, what: string): Violation {
  return { invariant, what }
}

function* clusters({ world }: Aftermath): Iterable<Violation> {
  for (const { name, state, deleted } of world.clusters) {
    if (deleted === undefined) yield violation(1, `The cluster ${name} is still ${state}.`)
  }
}

function* rows({ plan, batch, end, world }: Aftermath): Iterable<Violation> {
  // What others have replaced is looked at for the whole group.
  if (plan.kind === 'together-replacing') return
  if (world.rows !== 0 && world.rows !== batch.rows)
    yield violation(2, `The table holds ${world.rows} rows of the batch, which has ${batch.rows}.`)
  if (end.status === 'COMPLETED' && world.rows === 0)
    yield violation(2, 'The run has completed, and the table holds none of its rows.')
  if (batch.isBad && world.rows !== 0) yield violation(2, 'Rows of a bad batch are in the table.')
  if (world.rows !== 0 && plan.kind !== 'rivals' && (end.status === 'CANCELLED' || end.status === 'FAILED'))
    yield violation(2, `The run is ${end.status}, and its rows are in the table.`)
}

function* rawFiles({ plan, batch, end, world }: Aftermath): Iterable<Violation> {
  const places = new Set<string>()
  for (const [file, copies] of Object.entries(world.rawFiles)) {
    const [place] = copies
    if (place === undefined) yield violation(3, `${file} is gone.`)
    else if (copies.includes('damaged'))
      yield violation(3, `${file} holds other bytes: ${copies.join(', ')}.`)
    // A terminated run may stop between copy and delete; its retry goes on from there.
    else if (copies.length > 1 && end.status !== 'TERMINATED' && !hasTerminatedRival(plan))
      yield violation(3, `${file} is in ${copies.join(' and in ')}.`)
    else places.add(place)
  }
  const expected = expectedPlace(plan, batch, end)
  for (const place of places) {
    if (expected !== undefined && place !== expected)
      yield violation(3, `The run is ${end.status} and files are in ${place}, not in ${expected}.`)
  }
  for (const name of world.strays) yield violation(3, `${name} belongs nowhere.`)
}

/** Where one end says that the files are; nothing where several places are right. */
function expectedPlace({ kind }: PlannedRun, batch: ChaosBatch, end: RunEnd): string | undefined {
  if (end.status === 'COMPLETED') return 'processed'
  // The rival may have gone all its way.
  if (kind === 'rivals') return undefined
  if (end.status === 'CANCELLED') return 'raw'
  if (end.failure === undefined || end.failure.type === 'BatchInProgress') return undefined
  return batch.isBad && /^(TooManyRejects|RawFileUnreadable)$/.test(end.failure.type) ? 'failed' : 'raw'
}

/** Files of a batch that two runs wanted may be where the other one has stopped. */
function hasTerminatedRival({ kind, strikes }: PlannedRun): boolean {
  return kind === 'rivals' && strikes.some(({ blow }) => blow.kind === 'terminate')
}

function* temporaryFiles({ world, isRetry }: Aftermath): Iterable<Violation> {
  for (const name of world.temporary)
    yield violation(4, `${name} is left${isRetry ? ' after the retry' : ''}.`)
}

function* status({ plan, batch, end, world, isRetry }: Aftermath): Iterable<Violation> {
  const allowed = isRetry ? undefined : allowedEnds(plan).statuses
  if (allowed !== undefined && !allowed.has(end.status))
    yield violation(
      5,
      `The run is ${end.status} (${end.failure?.type ?? 'no failure'}: ${end.failure?.message ?? ''}).`,
    )
  if (end.status === 'TERMINATED' || end.status === 'RUNNING') return
  for (const { name, state } of end.progress?.steps ?? []) {
    if (state === 'running') yield violation(5, `The run is ${end.status}, and its step ${name} is running.`)
  }
  if (end.result !== undefined) {
    const { rowsLoaded, filesArchived, notCleaned, cancelledTooLate, clusters: receipts } = end.result
    if (rowsLoaded !== batch.rows)
      yield violation(5, `The result says ${rowsLoaded} rows, not ${batch.rows}.`)
    if (filesArchived !== Object.keys(batch.files).length)
      yield violation(5, `The result says ${filesArchived} files archived.`)
    for (const what of notCleaned) yield violation(5, `Not cleaned: ${what}`)
    const wasCancelled = !isRetry && plan.strikes.some(({ blow }) => blow.kind === 'cancel')
    if (wasCancelled && isOnly(plan) && !cancelledTooLate)
      yield violation(5, 'The run was cancelled and has completed, and does not say that it was too late.')
    for (const { name } of world.clusters) {
      const key = name.replace('average-speed-', '')
      if (end.keys.has(key) && !receipts.some((receipt) => receipt.name === name && receipt.deleted))
        yield violation(5, `The result does not say that ${name} was deleted.`)
    }
  }
  if (end.failure?.details !== undefined) {
    const { step, notCleaned } = end.failure.details
    const state = end.progress?.steps.find(({ name }) => name === step)?.state
    if (state !== 'failed' && state !== 'done')
      yield violation(5, `The run failed in ${step}, which is said to be ${state}.`)
    for (const what of notCleaned) yield violation(5, `Not cleaned: ${what}`)
  }
}

/** Among runs that go on together only the victim is cancelled. */
function isOnly({ kind }: PlannedRun): boolean {
  return kind === 'replacing' || kind === 'appending'
}

function* failure({ plan, end, isRetry }: Aftermath): Iterable<Violation> {
  if (end.failure === undefined || isRetry) return
  const { type, message } = end.failure
  if (!allowedEnds(plan).failures.has(type)) yield violation(6, `The run failed as ${type}: ${message}`)
  else if (message === '') yield violation(6, `The failure ${type} says nothing.`)
}

function* claims({ world }: Aftermath): Iterable<Violation> {
  for (const name of world.claims) yield violation(7, `The claim ${name} is left.`)
}

function* once({ world }: Aftermath): Iterable<Violation> {
  if (world.loads > 1) yield violation(8, `${world.loads} loads of the batch are committed.`)
  for (const { name } of world.clusters) {
    const jobs = world.jobs.filter(({ cluster }) => cluster === name)
    if (jobs.length > 1) yield violation(8, `${jobs.length} Spark jobs ran on ${name}.`)
  }
}

function* receipt({ batch, end, world }: Aftermath): Iterable<Violation> {
  if (end.status !== 'COMPLETED') return
  const found = world.receipts.filter(({ workflowId }) => workflowId === end.workflowId)
  const [told] = found
  if (told === undefined || found.length > 1)
    return yield violation(10, `The run has ${found.length} receipts.`)
  const bytes = Object.values(batch.files).reduce((sum, content) => sum + Buffer.byteLength(content), 0)
  const seen = {
    rowsLoaded: batch.rows,
    filesArchived: Object.keys(batch.files).length,
    bytesArchived: bytes,
  }
  for (const [name, value] of Object.entries({
    ...seen,
    loadJobId: end.result?.loadJobId,
    outputTable: batch.input.outputTable,
  })) {
    const said = told[name as keyof typeof told]
    if (said !== value) yield violation(10, `The receipt says ${name} ${said}, and it is ${value}.`)
  }
}
