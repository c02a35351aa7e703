import { chooseKind, chooseStrike, ENDING, SHARED, type Strike, stageOf } from './blows.ts'
import { type Moment, momentsOf } from './moments.ts'
import { type Choices, choicesOf } from './random.ts'

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
  /** How often its blow has missed so far; each time it is planned for another moment. */
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
  const strikes = chooseStrikes(kind, choices, misses)
  return { seed, number, misses, kind, victim, strikes }
}

function chooseStrikes(kind: RunKind, choices: Choices, misses: number): Strike[] {
  const moments = momentsOf(
    kind === 'bad-data' ? kind : kind.endsWith('replacing') ? 'replacing' : 'appending',
  )
  const kinds = [chooseKind(choices)]
  if (choices.below(5) === 0) kinds.push(chooseKind(choices))
  // A bad batch is never loaded.
  const [first = 'drop', second] = kinds.map((each) =>
    kind === 'bad-data' && each === 'load-error' ? 'drop' : each,
  )
  const alone = chooseStrike(first, choices, moments, misses)
  // Two blows of one kind at once would not say which of them has landed; a restart of Temporal has runs of its own; and
  // of two that end the run only one would strike.
  if (
    second === undefined ||
    second === first ||
    SHARED.has(second) !== SHARED.has(first) ||
    (ENDING.has(first) && ENDING.has(second))
  )
    return [alone]
  if (ENDING.has(first)) return [alone, chooseStrike(second, choices, upTo(alone, moments), misses)]
  if (!ENDING.has(second)) return [alone, chooseStrike(second, choices, moments, misses)]
  const end = chooseStrike(second, choices, moments, misses)
  return [chooseStrike(first, choices, upTo(end, moments), misses), end]
}

/** The moments before the one that may end the run; the first ones if there are none. */
function upTo(end: Strike, moments: readonly Moment[]): readonly Moment[] {
  const earlier = moments.filter(({ stage }) => stage < stageOf(end))
  return earlier.length > 0 ? earlier : moments.slice(0, 4)
}
