import { chooseStrike, SHARED, type Strike } from './blows.ts'
import { choicesOf } from './random.ts'

/** What kind of runs are struck. */
export type RunKind =
  | 'replacing' // one run, WRITE_TRUNCATE
  | 'appending' // one run, WRITE_APPEND
  | 'bad-data' // one run of a batch with a file that is not JSON
  | 'together-appending' // three batches at once into one table
  | 'together-replacing' // the same with WRITE_TRUNCATE
  | 'rivals' // two runs of one batch at once

/** One run of the suite (for some kinds: the runs that go on together), all of it chosen by seed and number. */
export interface PlannedRun {
  readonly seed: number
  readonly number: number
  /** How often its blow has missed so far; each time it is planned one moment later. */
  readonly misses: number
  readonly kind: RunKind
  readonly strikes: readonly Strike[]
  /** Which of the runs that go on together is the one to be cancelled, terminated or reset. */
  readonly victim: number
}

const KINDS: Readonly<Record<RunKind, number>> = {
  replacing: 8,
  appending: 8,
  'bad-data': 2,
  'together-appending': 3,
  'together-replacing': 2,
  rivals: 1,
}

/** How many runs of a kind go on at once. */
export const RUNS_OF: Readonly<Record<RunKind, number>> = {
  replacing: 1,
  appending: 1,
  'bad-data': 1,
  'together-appending': 3,
  'together-replacing': 3,
  rivals: 2,
}

/** Plans a run. The same seed, number and misses give the same plan, whatever else is run. */
export function planOf(seed: number, number: number, misses = 0): PlannedRun {
  const choices = choicesOf(seed, number)
  const kind = choices.weighted(KINDS)
  const victim = choices.below(RUNS_OF[kind])
  const isDouble = choices.below(5) === 0
  const first = chooseStrike(choices, misses)
  const second = isDouble ? chooseStrike(choices, misses) : undefined
  // Two blows of one kind at once would not say which of them had landed; a restart of Temporal has runs of its own.
  const fits =
    second !== undefined &&
    second.blow.kind !== first.blow.kind &&
    SHARED.has(second.blow.kind) === SHARED.has(first.blow.kind) &&
    !(isEnd(first) && isEnd(second))
  return { seed, number, misses, kind, victim, strikes: fits ? [first, second] : [first] }
}

/** A run that one blow has ended cannot be struck by another that would end it. */
function isEnd({ blow }: Strike): boolean {
  return blow.kind === 'cancel' || blow.kind === 'terminate' || blow.kind === 'reset'
}
