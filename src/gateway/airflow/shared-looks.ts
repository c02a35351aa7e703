import type { Caller } from '../authentication/verify-token.ts'
import type { RunSummary } from '../runs/run.ts'
import type { Runs } from '../runs/runs.ts'

/** Looks a second at which all waits together look at their runs, so that reads of others stay fast. */
const LOOKS_PER_SECOND = 20

/** Shortest time between two looks at a run, in milliseconds. */
const SHORTEST_MS = 1_000

interface Watched {
  watchers: number
  look?: { readonly at: number; readonly found: Promise<RunSummary> }
}

/** A look at one run, again and again. */
export interface Watch {
  /** The run as it is, or was a moment ago. */
  look(): Promise<RunSummary>
  close(): void
}

/**
 * Looks at runs for those who wait for them. All who wait for a run share each look at it, and the more runs are waited
 * for, the older a look may be before there is another.
 * @returns begins to watch a run
 */
export function sharedLooks(runs: Pick<Runs, 'look'>): (caller: Caller, runId: string) => Watch {
  const watched = new Map<string, Watched>()
  return (caller, runId) => {
    // Whoever may not see the run finds none, so what a caller may see is shared with nobody else.
    const key = `${caller.email}\0${runId}`
    const run = watched.get(key) ?? { watchers: 0 }
    run.watchers += 1
    watched.set(key, run)
    return {
      look() {
        const fresh = Math.max(SHORTEST_MS, (1000 * watched.size) / LOOKS_PER_SECOND)
        if (run.look === undefined || Date.now() - run.look.at >= fresh) {
          run.look = { at: Date.now(), found: runs.look(caller, runId) }
        }
        return run.look.found
      },
      close() {
        run.watchers -= 1
        if (run.watchers === 0) watched.delete(key)
      },
    }
  }
}
