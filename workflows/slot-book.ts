/** Who may have a cluster now, and who is next. Pure: each function gives a new book. */

import { cell, code } from './markdown.ts'
import type { SlotHolder, SlotRequest } from './run-types.ts'

/** A run in line. */
interface Waiting extends SlotHolder {
  /** When the run first asked. ISO 8601 in UTC. */
  readonly since: string
}

/** The state of a deployment's slots; small enough to be handed on when the keeper continues as new. */
export interface SlotBook {
  readonly limit: number
  readonly holders: readonly SlotHolder[]
  /** In the order in which they get a slot. */
  readonly waiting: readonly Waiting[]
}

/** What an observer sees of a book, in the keeper's memo. */
export interface SlotsView {
  readonly limit: number
  readonly holders: readonly SlotHolder[]
  /** How many runs wait. */
  readonly waiting: number
  /** Workflow ids of the first in line. */
  readonly next: readonly string[]
}

/** Nobody has asked yet, so no limit is known. */
export const EMPTY_BOOK: SlotBook = { limit: 0, holders: [], waiting: [] }

// A book is the input of the keeper's next run, and an input has at most 2 MiB: some 4,000 runs of long ids. Those that
// are cut off ask again within ten minutes, and have their place again then.
const MOST_CARRIED = 2_000

const SHOWN = 20

/**
 * Takes a request in. The newest limit counts. A run waits for one cluster at a time: what it asked for before, and has
 * not got, is forgotten.
 */
export function requestSlot(
  book: SlotBook,
  { limit, since, workflowId, clusterName }: SlotRequest,
): SlotBook {
  if (holdsSlot(book, clusterName) || book.waiting.some((run) => run.clusterName === clusterName)) {
    return { ...book, limit }
  }
  const others = book.waiting.filter((run) => run.workflowId !== workflowId)
  const after = others.findIndex((run) => run.since > since)
  const place = after < 0 ? others.length : after
  return { ...book, limit, waiting: others.toSpliced(place, 0, { workflowId, clusterName, since }) }
}

/** True when the cluster has a slot. */
export function holdsSlot(book: SlotBook, clusterName: string): boolean {
  return book.holders.some((holder) => holder.clusterName === clusterName)
}

/** Frees the slot of a cluster, or its place in line; does nothing when it has neither. */
export function releaseSlot(book: SlotBook, clusterName: string): SlotBook {
  const isAnother = (one: SlotHolder): boolean => one.clusterName !== clusterName
  return { ...book, holders: book.holders.filter(isAnother), waiting: book.waiting.filter(isAnother) }
}

/** Gives the first in line a slot; nothing when nobody waits or none is free. */
export function grantNext(
  book: SlotBook,
): { readonly book: SlotBook; readonly granted: SlotHolder } | undefined {
  const [first, ...waiting] = book.waiting
  if (first === undefined || book.holders.length >= book.limit) return undefined
  const granted = { workflowId: first.workflowId, clusterName: first.clusterName }
  return { book: { ...book, holders: [...book.holders, granted], waiting }, granted }
}

/** True when somebody waits for what others hold. */
export function isCrowded({ limit, holders, waiting }: SlotBook): boolean {
  return waiting.length > 0 && holders.length >= limit
}

/** The book as the keeper's next run gets it. */
export function carriedBook(book: SlotBook): SlotBook {
  return { ...book, waiting: book.waiting.slice(0, MOST_CARRIED) }
}

/** The book for the memo. */
export function viewOf({ limit, holders, waiting }: SlotBook): SlotsView {
  return {
    limit,
    holders,
    waiting: waiting.length,
    next: waiting.slice(0, SHOWN).map((run) => run.workflowId),
  }
}

/** The book for people, as Markdown. @param trouble why the keeper cannot go on, in one sentence */
export function markdownOf(book: SlotBook, trouble?: string): string {
  const { limit, holders, waiting } = book
  const rest = waiting.length - SHOWN
  return [
    ...(trouble === undefined ? [] : [`**Trouble:** ${code(trouble)}`, '']),
    `${holders.length} of ${limit} clusters, ${waiting.length} runs in line`,
    '',
    '| place | run | cluster | asked |',
    '| --- | --- | --- | --- |',
    ...holders.map(
      ({ workflowId, clusterName }) => `| has a slot | ${cell(workflowId)} | ${cell(clusterName)} | |`,
    ),
    ...waiting
      .slice(0, SHOWN)
      .map(
        (run, i) => `| ${i + 1} | ${cell(run.workflowId)} | ${cell(run.clusterName)} | ${cell(run.since)} |`,
      ),
    ...(rest > 0 ? [`| and ${rest} more | | | |`] : []),
  ].join('\n')
}
