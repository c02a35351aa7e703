/** Another way into a stand-in, on a port of its own. */
export interface Entrance {
  /** As the main endpoint is spelt. */
  readonly endpoint: string
  close(): Promise<void>
}

/** The entrances of a stand-in, by name: they tell callers apart that share one cloud. */
export class Entrances {
  readonly #open: (via: string) => Promise<Entrance>
  readonly #entrances = new Map<string, Promise<Entrance>>()

  constructor(open: (via: string) => Promise<Entrance>) {
    this.#open = open
  }

  /** Opens an entrance, once. @returns its endpoint */
  async open(via: string): Promise<string> {
    const entrance = this.#entrances.get(via) ?? this.#open(via)
    this.#entrances.set(via, entrance)
    return (await entrance).endpoint
  }

  /** Closes them all. */
  async close(): Promise<void> {
    const entrances = await Promise.all(this.#entrances.values())
    await Promise.all(entrances.map((entrance) => entrance.close()))
  }
}
