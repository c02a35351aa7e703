import {
  condition,
  defineSignal,
  getExternalWorkflowHandle,
  makeContinueAsNewFunc,
  setCurrentDetails,
  setHandler,
  sleep,
  upsertMemo,
  workflowInfo,
} from '@temporalio/workflow'
import { findLapsedSlots, listSlotHolders } from './activity-options.ts'
import {
  CLUSTER_SLOT_GRANTED,
  CLUSTER_SLOTS_MEMO,
  RELEASE_CLUSTER_SLOT,
  REQUEST_CLUSTER_SLOT,
} from './contract.ts'
import { sentenceOf } from './failures.ts'
import type { SlotHolder, SlotRequest } from './run-types.ts'
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
} from './slot-book.ts'
import { calling } from './summaries.ts'

const requestClusterSlot = defineSignal<[SlotRequest]>(REQUEST_CLUSTER_SLOT)
const releaseClusterSlot = defineSignal<[string]>(RELEASE_CLUSTER_SLOT)
const clusterSlotGranted = defineSignal<[string]>(CLUSTER_SLOT_GRANTED)

// A run that was terminated says nothing. While somebody waits for its slot it is looked for twice a minute, which costs
// two reads a holder: with ten clusters, 40 of Dataproc's 7,500 reads a minute.
const CROWDED_CHECK = '30 seconds'

// While nobody waits, such a slot does no harm but that this workflow never ends.
const QUIET_CHECK = '1 hour'

/**
 * Keeps the deployment's slots: no more clusters at a time than the limit, first come, first served. A run asks with a
 * signal and is answered with one. It ends when nobody holds or waits; who asks next starts it again. It may be
 * terminated: runs that wait ask again, and the next one begins with the clusters that there are.
 * @param carried the book of the run that this one continues
 */
export async function clusterSlots(carried?: SlotBook): Promise<void> {
  const inbox: ((book: SlotBook) => SlotBook)[] = []
  let book = carried ?? EMPTY_BOOK
  let trouble: string | undefined
  let unanswered = 0
  let shown = ''

  setHandler(requestClusterSlot, (request) => {
    inbox.push((current) => {
      // The run's first answer was lost to it: it was reset to before it came.
      if (holdsSlot(current, request.clusterName)) answer(request, false)
      return requestSlot(current, request)
    })
  })
  setHandler(releaseClusterSlot, (clusterName) => {
    inbox.push((current) => releaseSlot(current, clusterName))
  })

  function answer(holder: SlotHolder, isFirst: boolean): void {
    unanswered++
    const told = getExternalWorkflowHandle(holder.workflowId).signal(clusterSlotGranted, holder.clusterName)
    void told
      .catch(() => {
        // The run is closed. Had it been told before, its cluster may exist, and the checks see to that.
        if (isFirst) inbox.push((current) => releaseSlot(current, holder.clusterName))
      })
      .finally(() => unanswered--)
  }

  function show(): void {
    const text = markdownOf(book, trouble)
    if (text === shown) return
    shown = text
    upsertMemo({ [CLUSTER_SLOTS_MEMO]: viewOf(book) })
    setCurrentDetails(text)
  }

  /** Tries again for as long as it takes; meanwhile the reason is shown. */
  async function persistently<T>(doing: string, call: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        const result = await call()
        trouble = undefined
        return result
      } catch (error) {
        trouble = `Could not ${doing}: ${sentenceOf(error)}`
        show()
        await sleep(CROWDED_CHECK)
      }
    }
  }

  async function serve(): Promise<void> {
    if (carried === undefined) {
      // Whoever kept the slots before may have been terminated; the limit holds all the same.
      const holders = await persistently('list the clusters', () =>
        calling('List the clusters that there are', listSlotHolders),
      )
      book = { ...book, holders }
    }
    for (;;) {
      for (const change of inbox.splice(0)) book = change(book)
      const { continueAsNewSuggested } = workflowInfo()
      // The last answers are awaited before the next run takes over, so none is given from then on.
      while (!continueAsNewSuggested) {
        const next = grantNext(book)
        if (next === undefined) break
        book = next.book
        answer(next.granted, true)
      }
      show()
      // Nothing is awaited between the look into the inbox and the end, so no signal is lost: one that arrives meanwhile
      // makes the server ask for this decision again.
      if (unanswered === 0) {
        if (book.holders.length === 0 && book.waiting.length === 0) return
        if (continueAsNewSuggested) await handOver(book)
      }
      const before = unanswered
      await condition(() => inbox.length > 0 || unanswered !== before)
    }
  }

  async function watch(): Promise<never> {
    for (;;) {
      await condition(() => isCrowded(book), QUIET_CHECK)
      if (isCrowded(book)) await sleep(CROWDED_CHECK)
      const { holders } = book
      const found = await persistently('look at the clusters', () =>
        calling(`Look whether ${holders.length} slots have lapsed`, findLapsedSlots, holders),
      )
      inbox.push((current) => ({ ...found.lapsed.reduce(releaseSlot, current), limit: found.limit }))
    }
  }

  await Promise.race([serve(), watch()])
}

function handOver(book: SlotBook): Promise<never> {
  const next = makeContinueAsNewFunc<typeof clusterSlots>({ memo: { [CLUSTER_SLOTS_MEMO]: viewOf(book) } })
  return next(carriedBook(book))
}
