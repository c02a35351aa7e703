import type { Entry, ObjectDescription } from './objects.ts'

/** What several lists have under one name, in the order of the lists; nothing where one has none. */
export interface Row {
  readonly name: string
  readonly objects: readonly (ObjectDescription | undefined)[]
}

/** Reads lists that are all in the order of Cloud Storage side by side. Of each, one page at most is in memory. */
export async function* sideBySide(lists: readonly AsyncIterable<Entry>[]): AsyncGenerator<Row> {
  const iterators = lists.map((list) => list[Symbol.asyncIterator]())
  const nextOf = async (iterator: AsyncIterator<Entry>): Promise<Entry | undefined> => {
    const { done, value } = await iterator.next()
    return done === true ? undefined : value
  }
  try {
    const heads: (Entry | undefined)[] = []
    for (const iterator of iterators) heads.push(await nextOf(iterator))
    for (;;) {
      const names = heads.flatMap((head) => (head === undefined ? [] : [head.name]))
      if (names.length === 0) return
      const name = names.reduce((first, other) => (inUtf8(other, first) < 0 ? other : first))
      yield { name, objects: heads.map((head) => (head?.name === name ? head.object : undefined)) }
      for (const [index, iterator] of iterators.entries())
        if (heads[index]?.name === name) heads[index] = await nextOf(iterator)
    }
  } finally {
    await Promise.all(iterators.map((iterator) => iterator.return?.()))
  }
}

/** JavaScript compares UTF-16, which puts characters beyond 16 bits before others. */
function inUtf8(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
