import type { StruckCall } from './faults.ts'

/** A call in the log. */
export interface LoggedCall extends StruckCall {
  /** ISO time of the machine. */
  readonly at: string
}

/** The log keeps this many calls: enough for a run, and no burden in a long test. */
const LOG_LENGTH = 5_000

/** How often each call was received, struck by a fault or not. */
export class CallCounts {
  readonly #counts = new Map<string, number>()
  #log: LoggedCall[] = []

  /** Counts one call. */
  count(call: StruckCall): void {
    this.#counts.set(call.name, (this.#counts.get(call.name) ?? 0) + 1)
    this.#log.push({ ...call, at: new Date().toISOString() })
    if (this.#log.length > 2 * LOG_LENGTH) this.#log = this.#log.slice(-LOG_LENGTH)
  }

  /** Counts by call name, sorted by name. */
  snapshot(): Record<string, number> {
    return Object.fromEntries([...this.#counts].sort(([a], [b]) => (a < b ? -1 : 1)))
  }

  /** The latest calls, oldest first. @param via only those that came in through this entrance */
  log(via?: string): readonly LoggedCall[] {
    return via === undefined ? this.#log : this.#log.filter((call) => call.via === via)
  }

  /** Starts again from nothing. */
  clear(): void {
    this.#counts.clear()
    this.#log = []
  }
}
