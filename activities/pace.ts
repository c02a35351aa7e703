import type { Polling } from './context.ts'

/**
 * How urgent the end of something is.
 *
 * - `boot`: a paid cluster is about to be idle, but none boots in less than about a minute.
 * - `job`: a paid cluster is about to be idle; a job hardly ends before Spark has started.
 * - `load`: the run waits, nobody pays.
 * - `farewell`: nobody waits but the run's own end.
 */
export type Urgency = 'boot' | 'job' | 'load' | 'farewell'

// While nothing is likely to end, looks are few; they are spent where it is.
const QUIET_MS: Readonly<Record<Urgency, number>> = { boot: 43_000, job: 33_000, load: 0, farewell: 0 }

// Steady pauses of this length make a paid cluster wait for less than a second at the median, and even 200 runs in step
// stay within Dataproc's 7,500 reads of jobs, and as many others, a minute: https://cloud.google.com/dataproc/quotas.
// After a boot comes a whole activity before the job is there, so its end is looked for a little more often.
const STEADY_MS = { boot: 1_600, job: 1_650 } as const

// The wait for something that has taken long may be longer: this share of its time so far.
const SHARE = 0.02

const FAREWELL_MAXIMUM_MS = 20_000

/**
 * Milliseconds from one look to the next.
 * @param elapsedMs since the wait began
 */
export function pauseAfter(elapsedMs: number, urgency: Urgency, { minimum, maximum }: Polling): number {
  const within = (pause: number, most = maximum): number => Math.min(most, Math.max(minimum, pause))
  if (urgency === 'farewell') {
    const most = Math.min(FAREWELL_MAXIMUM_MS, 4 * maximum)
    return within(Math.max(4 * minimum, elapsedMs), most)
  }
  if (urgency === 'load') return within(elapsedMs / 4)
  // What ends at once, as a refused creation does, is seen at once.
  if (elapsedMs < QUIET_MS[urgency]) return within(elapsedMs)
  return within(Math.max(STEADY_MS[urgency], elapsedMs * SHARE))
}
