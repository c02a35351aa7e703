/** Ends a timer before it fires; does nothing afterwards. */
export type CancelTimer = () => void

interface Timer {
  readonly due: number
  readonly run: () => void
}

/**
 * A stand-in's clock: real time plus what a test has advanced it by. Timers fire in the order of their due times, and
 * while one fires `now()` is its due time even if the clock is being advanced past it, so recorded times are exact.
 */
export class StandInClock {
  #offset = 0
  #frozen: number | undefined
  readonly #timers = new Set<Timer>()
  #wakeUp: NodeJS.Timeout | undefined

  /** Milliseconds since the epoch. */
  now(): number {
    return this.#frozen ?? Date.now() + this.#offset
  }

  /** The same as an ISO 8601 time. */
  isoNow(): string {
    return new Date(this.now()).toISOString()
  }

  /** Calls `run` after `ms` of this clock's time. */
  after(ms: number, run: () => void): CancelTimer {
    const timer: Timer = { due: this.now() + Math.max(0, ms), run }
    this.#timers.add(timer)
    this.#rearm()
    return () => {
      this.#timers.delete(timer)
      this.#rearm()
    }
  }

  /** Moves the clock forward by `ms` and fires what has come due. */
  advance(ms: number): void {
    if (!(ms >= 0)) throw new Error(`A clock is advanced by 0 milliseconds or more, not ${ms}.`)
    const target = this.now() + ms
    this.#fireUntil(target)
    this.#offset = target - Date.now()
    this.#rearm()
  }

  /** Forgets all timers. */
  close(): void {
    this.#timers.clear()
    clearTimeout(this.#wakeUp)
  }

  #fireUntil(target: number): void {
    for (;;) {
      const next = this.#next()
      if (next === undefined || next.due > target) break
      this.#timers.delete(next)
      this.#frozen = next.due
      try {
        next.run()
      } finally {
        this.#frozen = undefined
      }
    }
  }

  #next(): Timer | undefined {
    let first: Timer | undefined
    for (const timer of this.#timers) if (first === undefined || timer.due < first.due) first = timer
    return first
  }

  #rearm(): void {
    if (this.#frozen !== undefined) return
    clearTimeout(this.#wakeUp)
    const next = this.#next()
    if (next === undefined) return
    // setTimeout overflows beyond 2^31-1 ms; waking up early only arms it again.
    const wait = Math.min(Math.max(0, next.due - this.now()), 2 ** 31 - 1)
    this.#wakeUp = setTimeout(() => {
      this.#fireUntil(this.now())
      this.#rearm()
    }, wait)
    this.#wakeUp.unref()
  }
}
