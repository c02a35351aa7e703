import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { type HoldEnd, Holds } from './holds.ts'

/** Whether a fault strikes before the call takes effect, or after it has been committed. */
export type FaultMoment = 'before' | 'after'

/** What to do to a call. */
export interface FaultSpec {
  /** Name of the call, as it appears in the call counts; `*` is any call. */
  readonly on: string
  /** Only calls whose subject (a resource name or URL) contains this text. */
  readonly match?: string
  /** Only calls that came in through this entrance; see `Entrances`. */
  readonly via?: string
  /** Matching calls that pass unharmed first; default 0. */
  readonly skip?: number
  /** Of the calls after those, only each so-manieth is struck, the first one among them; default 1: each. */
  readonly every?: number
  /** Calls that are struck; default 1. */
  readonly times?: number
  /** Default `before`. */
  readonly when?: FaultMoment
  /**
   * `error` answers with `code` and `message`, `drop` closes the connection without an answer, `latency` waits
   * `latencyMs` and lets the call go on, `hold` keeps the call until it is released, to go on or to be dropped.
   */
  readonly kind: 'error' | 'drop' | 'latency' | 'hold'
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
  readonly via?: string
  readonly kind: FaultSpec['kind']
  readonly when: FaultMoment
  /** ISO time of the machine, not of a stand-in's clock. */
  readonly at: string
}

/** A call, as faults look at it. */
export interface StruckCall {
  readonly name: string
  /** A resource name, a URL or a body: what `match` is looked for in. */
  readonly subject: string
  /** The entrance that it came in through, if not the main one. */
  readonly via?: string | undefined
}

/** What is to happen to one call at one moment. */
interface Strike {
  /** Real milliseconds to wait first. */
  readonly latencyMs: number
  /** The error, drop or hold; absent when the call goes on. */
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
  readonly #holds = new Holds()

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

  /** Waits until the call of a `hold` has come. @returns false when it has not come in time */
  isHeld(id: string, waitMs: number): Promise<boolean> {
    return this.#holds.isCaught(id, waitMs)
  }

  /** Ends a `hold`. */
  release(id: string, end: HoldEnd): void {
    this.#holds.release(id, end)
  }

  /** Removes all faults, or the one with this id; all calls that are held go on when all are removed. */
  clear(id?: string): void {
    if (id === undefined) this.#holds.releaseAll()
    for (let i = this.#entries.length - 1; i >= 0; i--) {
      if (id === undefined || this.#entries[i]?.id === id) this.#entries.splice(i, 1)
    }
  }

  /**
   * Strikes this call if a fault waits for it: waits for latencies and holds.
   * @returns the error or drop that ends the call; nothing when it goes on
   */
  async strike(call: StruckCall, when: FaultMoment): Promise<Fault | undefined> {
    const { latencyMs, fault } = this.#take(call, when)
    if (latencyMs > 0) await sleep(latencyMs)
    if (fault?.kind !== 'hold') return fault
    return (await this.#holds.hold(fault.id)) === 'drop' ? { ...fault, kind: 'drop' } : undefined
  }

  /** All latencies that match add up; the first other fault that lands ends the search, so later ones keep their turns. */
  #take(call: StruckCall, when: FaultMoment): Strike {
    let latencyMs = 0
    for (const entry of this.#entries) {
      if (!applies(entry, call, when)) continue
      entry.seen += 1
      const nth = entry.seen - (entry.skip ?? 0) - 1
      if (nth < 0 || nth % (entry.every ?? 1) !== 0 || entry.hits >= (entry.times ?? 1)) continue
      entry.hits += 1
      const { name, subject, via } = call
      const at = new Date().toISOString()
      this.#log.push({ id: entry.id, call: name, subject, ...(via && { via }), kind: entry.kind, when, at })
      latencyMs += entry.latencyMs ?? 0
      if (entry.kind !== 'latency') return { latencyMs, fault: publicView(entry) }
    }
    return { latencyMs }
  }
}

function applies(entry: Entry, call: StruckCall, when: FaultMoment): boolean {
  return (
    (entry.on === '*' || entry.on === call.name) &&
    (entry.when ?? 'before') === when &&
    (entry.via === undefined || entry.via === call.via) &&
    (entry.match === undefined || call.subject.includes(entry.match))
  )
}

function publicView({ seen: _, ...fault }: Entry): Fault {
  return { ...fault }
}
