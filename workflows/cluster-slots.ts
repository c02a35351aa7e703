import {
  condition,
  defineSignal,
  defineUpdate,
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

const requestClusterSlot = defineUpdate<boolean, [SlotRequest]>(REQUEST_CLUSTER_SLOT)
const releaseClusterSlot = defineSignal<[string]>(RELEASE_CLUSTER_SLOT)
const clusterSlotGranted = defineSignal<[string]>(CLUSTER_SLOT_GRANTED)

// A run that was terminated says nothing. While somebody waits for its slot it is looked for twice a minute, which costs
// two reads a holder: with ten clusters, 40 of Dataproc's 7,500 reads a minute.
const CROWDED_CHECK = '30 seconds'

// While nobody waits, such a slot does no harm but that this workflow never ends. It also ends at this check, once nobody
// holds or waits: not at once, since the next run would have to wait until it has started and listed the clusters again.
const QUIET_CHECK = '1 hour'

/** A change of the book that was asked for. */
interface Message {
  change(book: SlotBook): SlotBook
  /** Called once the change is made, and all slots are given that can be. */
  answer?(book: SlotBook): void
}

/**
 * Keeps the deployment's slots: no more clusters at a time than the limit, first come, first served. A run asks with an
 * update, whose answer says whether it has its slot; one that has to wait is told later, by a signal. It ends some time
 * after nobody holds or waits; who asks next starts it again. It may be terminated: runs that wait ask again, and the next
 * one begins with the clusters that there are.
 * @param carried the book of the run that this one continues
 */
export async function clusterSlots(carried?: SlotBook): Promise<void> {
  const inbox: Message[] = []
  const asking = new Set<string>()
  let book = carried ?? EMPTY_BOOK
  let trouble: string | undefined
  let isServing = false
  let unanswered = 0
  let shown = ''

  setHandler(requestClusterSlot, async (request) => {
    const { clusterName } = request
    const change = (current: SlotBook): SlotBook => {
      // The run's first answer was lost to it: it was reset to before it came, or the keeper was another.
      if (holdsSlot(current, clusterName)) tell(request, false)
      return requestSlot(current, request)
    }
    // Until the clusters are listed nobody can have a slot, and the server lets only a few runs wait for their answer.
    if (!isServing) {
      inbox.push({ change })
      return false
    }
    asking.add(clusterName)
    const answered = await new Promise<SlotBook>((answer) => inbox.push({ change, answer }))
    asking.delete(clusterName)
    return holdsSlot(answered, clusterName)
  })
  setHandler(releaseClusterSlot, (clusterName) => {
    inbox.push({ change: (current) => releaseSlot(current, clusterName) })
  })

  /** Tells a run that has waited for its slot; one that is asking just now is told by the answer. */
  function tell({ workflowId, clusterName }: SlotHolder, isFirst: boolean): void {
    if (asking.has(clusterName)) return
    unanswered++
    void getExternalWorkflowHandle(workflowId)
      .signal(clusterSlotGranted, clusterName)
      .catch(() => {
        // The run is closed. Had it been told before, its cluster may exist, and the checks see to that.
        if (isFirst) inbox.push({ change: (current) => releaseSlot(current, clusterName) })
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
    isServing = true
    for (;;) {
      const messages = inbox.splice(0)
      for (const { change } of messages) book = change(book)
      const { continueAsNewSuggested } = workflowInfo()
      // The last answers are awaited before the next run takes over, so none is given from then on.
      while (!continueAsNewSuggested) {
        const next = grantNext(book)
        if (next === undefined) break
        book = next.book
        tell(next.granted, true)
      }
      show()
      for (const { answer } of messages) answer?.(book)
      if (continueAsNewSuggested && isAtRest()) await handOver(book)
      const before = { unanswered, asking: asking.size }
      await condition(
        () => inbox.length > 0 || unanswered !== before.unanswered || asking.size !== before.asking,
      )
    }
  }

  /**
   * True when nothing is left to be told or done. Nothing may be awaited between this and the end, so that no message is
   * lost: one that arrives meanwhile makes the server ask for this decision again.
   */
  function isAtRest(): boolean {
    return inbox.length === 0 && unanswered === 0 && asking.size === 0
  }

  async function watch(): Promise<void> {
    for (;;) {
      await condition(() => isCrowded(book), QUIET_CHECK)
      if (isCrowded(book)) await sleep(CROWDED_CHECK)
      if (book.holders.length === 0 && book.waiting.length === 0 && isAtRest()) return
      const { holders } = book
      const found = await persistently('look at the clusters', () =>
        calling(`Look whether ${holders.length} slots have lapsed`, findLapsedSlots, holders),
      )
      const { lapsed, limit } = found
      inbox.push({ change: (current) => ({ ...lapsed.reduce(releaseSlot, current), limit }) })
    }
  }

  await Promise.race([serve(), watch()])
}

function handOver(book: SlotBook): Promise<never> {
  const next = makeContinueAsNewFunc<typeof clusterSlots>({ memo: { [CLUSTER_SLOTS_MEMO]: viewOf(book) } })
  return next(carriedBook(book))
}
