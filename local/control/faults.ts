import { randomUUID } from 'node:crypto'

/** Whether a fault strikes before the call takes effect, or after it has been committed. */
export type FaultMoment = 'before' | 'after'

/** What to do to a call. */
export interface FaultSpec {
  /** Name of the call, as it appears in the call counts; `*` is any call. */
  readonly on: string
  /** Only calls whose subject (a resource name or URL) contains this text. */
  readonly match?: string
  /** Matching calls that pass unharmed first; default 0. */
  readonly skip?: number
  /** Calls that are struck after those; default 1. */
  readonly times?: number
  /** Default `before`. */
  readonly when?: FaultMoment
  /**
   * `error` answers with `code` and `message`, `drop` closes the connection without an answer, `latency` waits
   * `latencyMs` and lets the call go on.
   */
  readonly kind: 'error' | 'drop' | 'latency'
  /** A gRPC status name or number, or an HTTP status, as the stand-in speaks. */
  readonly code?: string | number
  /** Machine-readable reason of an error, where the protocol has one. */
  readonly reason?: string
  readonly message?: string
  /** Real milliseconds; also delays an `error` or a `drop` when given. */
  readonly latencyMs?: number
}

/** A fault in the table. */
export interface Fault extends FaultSpec {
  readonly id: string
  /** Calls struck so far. */
  readonly hits: number
}

/** One strike. */
export interface LandedFault {
  readonly id: string
  readonly call: string
  readonly subject: string
  readonly kind: FaultSpec['kind']
  readonly when: FaultMoment
  /** ISO time of the machine, not of a stand-in's clock. */
  readonly at: string
}

/** What is to happen to one call at one moment. */
export interface Strike {
  /** Real milliseconds to wait first. */
  readonly latencyMs: number
  /** The error or drop that then ends the call; absent when it goes on. */
  readonly fault?: Fault
}

interface Entry extends FaultSpec {
  readonly id: string
  seen: number
  hits: number
}

/** The faults that wait for their calls. Faults are tried in the order in which they were added. */
export class FaultTable {
  readonly #entries: Entry[] = []
  readonly #log: LandedFault[] = []

  /** Adds a fault and returns it with its id. */
  add(spec: FaultSpec): Fault {
    const entry: Entry = { ...spec, id: randomUUID(), seen: 0, hits: 0 }
    this.#entries.push(entry)
    return publicView(entry)
  }

  /** All faults, spent ones too, with their hits. */
  list(): Fault[] {
    return this.#entries.map(publicView)
  }

  /** Every strike so far, oldest first; `clear` keeps it. */
  landed(): readonly LandedFault[] {
    return this.#log
  }

  /** Removes all faults, or the one with this id. */
  clear(id?: string): void {
    for (let i = this.#entries.length - 1; i >= 0; i--) {
      if (id === undefined || this.#entries[i]?.id === id) this.#entries.splice(i, 1)
    }
  }

  /**
   * What strikes this call now. All latencies that match add up; the first error or drop that lands ends the search, so
   * later ones keep their turns.
   */
  take(call: string, when: FaultMoment, subject = ''): Strike {
    let latencyMs = 0
    for (const entry of this.#entries) {
      if (!applies(entry, call, when, subject)) continue
      entry.seen += 1
      const skip = entry.skip ?? 0
      if (entry.seen <= skip || entry.seen > skip + (entry.times ?? 1)) continue
      entry.hits += 1
      this.#log.push({ id: entry.id, call, subject, kind: entry.kind, when, at: new Date().toISOString() })
      latencyMs += entry.latencyMs ?? 0
      if (entry.kind !== 'latency') return { latencyMs, fault: publicView(entry) }
    }
    return { latencyMs }
  }
}

function applies(entry: Entry, call: string, when: FaultMoment, subject: string): boolean {
  return (
    (entry.on === '*' || entry.on === call) &&
    (entry.when ?? 'before') === when &&
    (entry.match === undefined || subject.includes(entry.match))
  )
}

function publicView({ seen: _, ...fault }: Entry): Fault {
  return { ...fault }
}
