import { createHash } from 'node:crypto'

/** Choices that depend on nothing but what they were seeded with. */
export interface Choices {
  /** A whole number from 0 to below `limit`. */
  below(limit: number): number
  pick<T>(from: readonly T[]): T
  /** In an order of its own, in which two things stay as they are when others come or go. */
  shuffled<T>(things: readonly T[], nameOf: (thing: T) => string): T[]
  /** One of the names, each as often as its weight says. */
  weighted<T extends string>(weights: Readonly<Record<T, number>>): T
}

/** Choices from a seed and whatever else tells them apart, such as the number of a run. */
export function choicesOf(...seed: readonly (string | number)[]): Choices {
  let drawn = 0
  // 48 bits are exact as a number, and more than any limit here needs.
  const hash = (...parts: readonly (string | number)[]): number =>
    createHash('sha256')
      .update([...seed, ...parts].join('/'))
      .digest()
      .readUIntBE(0, 6)
  const below = (limit: number): number => hash(drawn++) % limit
  return {
    below,
    pick(from) {
      const chosen = from[below(from.length)]
      if (chosen === undefined) throw new Error('There is nothing to choose from.')
      return chosen
    },
    shuffled(things, nameOf) {
      const draw = drawn++
      const places = new Map(things.map((thing) => [thing, hash(draw, nameOf(thing))]))
      return things.toSorted((a, b) => (places.get(a) ?? 0) - (places.get(b) ?? 0))
    },
    weighted(weights) {
      const names = Object.keys(weights) as (keyof typeof weights)[]
      let left = below(names.reduce((sum, name) => sum + weights[name], 0))
      for (const name of names) {
        left -= weights[name]
        if (left < 0) return name
      }
      throw new Error('Weights are whole numbers, and not all 0.')
    },
  }
}
