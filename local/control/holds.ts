/** How a held call goes on. */
export type HoldEnd = 'go' | 'drop'

interface Hold {
  readonly caught: PromiseWithResolvers<void>
  readonly released: PromiseWithResolvers<HoldEnd>
  isCaught: boolean
}

/** Longest time that a call is held, so that a forgotten one does not hang for ever. */
const LONGEST_HOLD_MS = 120_000

/** Calls that are held at a moment of a test's choice, until the test lets them go. One for each fault that holds. */
export class Holds {
  readonly #holds = new Map<string, Hold>()

  /** Holds the call of a fault. @returns how it goes on */
  async hold(id: string): Promise<HoldEnd> {
    const hold = this.#of(id)
    hold.isCaught = true
    hold.caught.resolve()
    const limit = setTimeout(() => hold.released.resolve('go'), LONGEST_HOLD_MS)
    limit.unref()
    const end = await hold.released.promise
    clearTimeout(limit)
    return end
  }

  /** Waits until a call is held. @returns false when none came in time */
  async isCaught(id: string, waitMs: number): Promise<boolean> {
    const hold = this.#of(id)
    const { promise: late, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, waitMs)
    await Promise.race([hold.caught.promise, late])
    clearTimeout(timer)
    return hold.isCaught
  }

  /** Lets the held call go on, or drops its connection. */
  release(id: string, end: HoldEnd): void {
    this.#of(id).released.resolve(end)
  }

  /** Lets go what is held. */
  releaseAll(): void {
    for (const hold of this.#holds.values()) hold.released.resolve('go')
  }

  #of(id: string): Hold {
    const known = this.#holds.get(id)
    if (known !== undefined) return known
    const hold: Hold = {
      caught: Promise.withResolvers(),
      released: Promise.withResolvers(),
      isCaught: false,
    }
    this.#holds.set(id, hold)
    return hold
  }
}
