import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import {
  carriedBook,
  EMPTY_BOOK,
  grantNext,
  holdsSlot,
  isCrowded,
  markdownOf,
  releaseSlot,
  requestSlot,
  type SlotBook,
  viewOf,
} from '../../workflows/slot-book.ts'

/** A run asks; its cluster has its name unless another is given. */
function asked(
  book: SlotBook,
  run: string,
  { cluster = run, since = 1, limit = 2 }: { cluster?: string; since?: number; limit?: number } = {},
): SlotBook {
  return requestSlot(book, {
    workflowId: run,
    clusterName: cluster,
    since: new Date(since * 1000).toISOString(),
    limit,
  })
}

/** Grants as long as it can. */
function served(book: SlotBook): SlotBook {
  const next = grantNext(book)
  return next === undefined ? book : served(next.book)
}

const clusters = (some: readonly { readonly clusterName: string }[]) => some.map((one) => one.clusterName)

describe('P15: the book of slots', () => {
  test('gives no more slots than the limit, first come, first served', () => {
    const book = served(['a', 'b', 'c', 'd'].reduce((so, run) => asked(so, run), EMPTY_BOOK))
    expect(clusters(book.holders)).toEqual(['a', 'b'])
    expect(clusters(book.waiting)).toEqual(['c', 'd'])
    expect(clusters(served(releaseSlot(book, 'a')).holders)).toEqual(['b', 'c'])
  })

  test('knows who asked first, whatever order the requests arrive in', () => {
    const book = asked(asked(asked(EMPTY_BOOK, 'late', { since: 3 }), 'early', { since: 1 }), 'middle', {
      since: 2,
    })
    expect(clusters(book.waiting)).toEqual(['early', 'middle', 'late'])
  })

  test('asking twice is asking once, in line and after the grant', () => {
    const waiting = asked(asked(asked(EMPTY_BOOK, 'a'), 'b'), 'a')
    expect(clusters(waiting.waiting)).toEqual(['a', 'b'])
    const granted = asked(served(waiting), 'a')
    expect(clusters(granted.holders)).toEqual(['a', 'b'])
    expect(granted.waiting).toEqual([])
  })

  test('a run waits for one cluster at a time, and may hold another meanwhile', () => {
    const first = served(asked(EMPTY_BOOK, 'run', { cluster: 'one', limit: 1 }))
    const second = asked(asked(first, 'run', { cluster: 'two', limit: 1 }), 'run', {
      cluster: 'three',
      limit: 1,
    })
    expect(clusters(second.holders)).toEqual(['one'])
    expect(clusters(second.waiting)).toEqual(['three'])
    expect(grantNext(second)).toBeUndefined()
  })

  test('the newest limit counts; a lower one takes no slot away', () => {
    const book = served(['a', 'b', 'c'].reduce((so, run) => asked(so, run, { limit: 3 }), EMPTY_BOOK))
    const lowered = asked(book, 'd', { limit: 1 })
    expect(lowered.holders).toHaveLength(3)
    expect(grantNext(releaseSlot(lowered, 'a'))).toBeUndefined()
    expect(clusters(served(asked(lowered, 'e', { limit: 5 })).holders)).toEqual(['a', 'b', 'c', 'd', 'e'])
  })

  test('whoever leaves the line is not granted, and what is unknown can be released', () => {
    const book = served(['a', 'b', 'c', 'd'].reduce((so, run) => asked(so, run), EMPTY_BOOK))
    const left = releaseSlot(releaseSlot(releaseSlot(book, 'c'), 'nobody'), 'a')
    expect(clusters(served(left).holders)).toEqual(['b', 'd'])
  })

  test('is crowded only while somebody waits for what others hold', () => {
    const one = asked(EMPTY_BOOK, 'a', { limit: 1 })
    expect(isCrowded(one)).toBe(false)
    expect(isCrowded(served(one))).toBe(false)
    expect(isCrowded(asked(served(one), 'b', { limit: 1 }))).toBe(true)
  })

  test('a line of many thousands is handed on in part, its holders whole', () => {
    const runs = Array.from({ length: 3000 }, (_, i) => `run-${i}`)
    const book = served({
      limit: 10,
      holders: [],
      waiting: runs.map((run) => ({ workflowId: run, clusterName: run, since: '' })),
    })
    const carried = carriedBook(book)
    expect(carried.holders).toEqual(book.holders)
    expect(carried.waiting).toEqual(book.waiting.slice(0, 2000))
  })

  test('shows holders, the first in line with their places, and what is wrong', () => {
    const runs = Array.from({ length: 30 }, (_, i) => `run-${i}`)
    const book = served(runs.reduce((so, run) => asked(so, run), EMPTY_BOOK))
    expect(viewOf(book)).toMatchObject({ limit: 2, waiting: 28 })
    expect(viewOf(book).next).toHaveLength(20)
    const text = markdownOf(book, 'Dataproc is away.')
    expect(text).toMatch(/^\*\*Trouble:\*\* `Dataproc is away\.`/)
    expect(text).toContain('2 of 2 clusters, 28 runs in line')
    expect(text).toContain('| has a slot | `run-0` | `run-0` | |')
    expect(text).toContain('| 1 | `run-2` | `run-2` |')
    expect(text).toContain('| and 8 more |')
  })

  test('whatever happens in whatever order, there is never a slot too many, and nobody is lost or doubled', () => {
    const event = fc.record({
      kind: fc.constantFrom('ask', 'ask', 'release'),
      run: fc.integer({ min: 0, max: 8 }),
      since: fc.integer({ min: 0, max: 5 }),
    })
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), fc.integer({ min: 1, max: 4 }), (events, limit) => {
        let book = EMPTY_BOOK
        const wanted = new Set<string>()
        for (const { kind, run, since } of events) {
          const name = `run-${run}`
          if (kind === 'ask') wanted.add(name)
          else wanted.delete(name)
          book = served(kind === 'ask' ? asked(book, name, { since, limit }) : releaseSlot(book, name))
          expect(book.holders.length).toBeLessThanOrEqual(limit)
          expect(book.waiting.length === 0 || book.holders.length === limit).toBe(true)
          expect([...clusters(book.holders), ...clusters(book.waiting)].sort()).toEqual([...wanted].sort())
          for (const one of clusters(book.holders)) expect(holdsSlot(book, one)).toBe(true)
        }
      }),
      { seed: 15, numRuns: 300 },
    )
  })
})
