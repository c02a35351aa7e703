const SURROGATE = /[\ud800-\udfff]/

/** Orders names by their UTF-8 bytes, as object listings are; differs from `<` only beyond the basic plane. */
export function compareNames(left: string, right: string): number {
  if (left === right) return 0
  if (SURROGATE.test(left) || SURROGATE.test(right))
    return Buffer.compare(Buffer.from(left), Buffer.from(right))
  return left < right ? -1 : 1
}

/** The names of a bucket's live objects in listing order; finding a place takes a binary search. */
export class SortedNames {
  readonly #names: string[] = []

  get length(): number {
    return this.#names.length
  }

  at(index: number): string | undefined {
    return this.#names[index]
  }

  /** The index of the first name that is not before `name`. */
  firstFrom(name: string): number {
    return this.#first((candidate) => compareNames(candidate, name) >= 0)
  }

  /** The index of the first name after all those that begin with `prefix`. */
  firstBeyond(prefix: string): number {
    return this.#first((candidate) => !candidate.startsWith(prefix) && compareNames(candidate, prefix) > 0)
  }

  add(name: string): void {
    const index = this.firstFrom(name)
    if (this.#names[index] !== name) this.#names.splice(index, 0, name)
  }

  remove(name: string): void {
    const index = this.firstFrom(name)
    if (this.#names[index] === name) this.#names.splice(index, 1)
  }

  #first(matches: (name: string) => boolean): number {
    let low = 0
    let high = this.#names.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (matches(this.#names[middle] as string)) high = middle
      else low = middle + 1
    }
    return low
  }
}
