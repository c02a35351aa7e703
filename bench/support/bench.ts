import type { Summary } from './statistics.ts'

/** One thing that was measured. */
export interface Series extends Summary {
  readonly name: string
  /** Of the figures, such as `ms`, `s`, `1/s` or `MiB`. */
  readonly unit: string
}

/** One goal and what was seen. */
export interface Verdict {
  /** Such as 'median added at most 400 ms'. */
  readonly goal: string
  /** The figure that the goal is about, with its unit. */
  readonly seen: string
  readonly met: boolean
}

/** What a benchmark found. */
export interface Outcome {
  readonly series: readonly Series[]
  readonly verdicts: readonly Verdict[]
  /** Facts without which the figures mean little: amounts, how the outputs were compared. */
  readonly notes: readonly string[]
}

/** One question, asked together with its baseline. */
export interface Bench {
  /** As on the command line. */
  readonly name: string
  readonly question: string
  /** @param say shows progress */
  run(say: (line: string) => void): Promise<Outcome>
}
