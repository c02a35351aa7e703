/** Another way into a stand-in, on a port of its own. */
export interface Entrance {
  /** As the main endpoint is spelt. */
  readonly endpoint: string
  close(): Promise<void>
}

/** How an entrance is to be. */
export interface EntranceOptions {
  /** Whose calls come in here; default: the owner's of the project. */
  readonly account?: string | undefined
  /** Default 0: any free port. */
  readonly port?: number
}

/** The entrances of a stand-in, by name: they tell callers apart that share one cloud. */
export class Entrances {
  readonly #open: (via: string, options: EntranceOptions) => Promise<Entrance>
  readonly #isAccount: (name: string) => boolean
  readonly #entrances = new Map<string, Promise<Entrance>>()

  /** @param isAccount default: the stand-in does not tell accounts apart */
  constructor(
    open: (via: string, options: EntranceOptions) => Promise<Entrance>,
    isAccount: (name: string) => boolean = () => false,
  ) {
    this.#open = open
    this.#isAccount = isAccount
  }

  /** Opens an entrance, once. @returns its endpoint @throws Error for an account that the stand-in does not know */
  async open(via: string, options: EntranceOptions = {}): Promise<string> {
    const { account } = options
    if (account !== undefined && !this.#isAccount(account)) {
      throw new Error(`There is no account '${account}' here.`)
    }
    const entrance = this.#entrances.get(via) ?? this.#open(via, options)
    this.#entrances.set(via, entrance)
    return (await entrance).endpoint
  }

  /** Closes them all. */
  async close(): Promise<void> {
    const entrances = await Promise.all(this.#entrances.values())
    await Promise.all(entrances.map((entrance) => entrance.close()))
  }
}
