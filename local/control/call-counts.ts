/** How often each call was received, struck by a fault or not. */
export class CallCounts {
  readonly #counts = new Map<string, number>()

  /** Counts one call. */
  count(name: string): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1)
  }

  /** Counts by call name, sorted by name. */
  snapshot(): Record<string, number> {
    return Object.fromEntries([...this.#counts].sort(([a], [b]) => (a < b ? -1 : 1)))
  }

  /** Starts again from nothing. */
  clear(): void {
    this.#counts.clear()
  }
}
