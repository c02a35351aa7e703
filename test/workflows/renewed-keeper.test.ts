import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { WorkflowHandle } from '@temporalio/client'
import { defaultPayloadConverter } from '@temporalio/common'
import type { temporal } from '@temporalio/proto'
import type { SlotBook } from '../../workflows/slot-book.ts'
import { until } from '../support/until.ts'
import { withCrowd } from './crowd.ts'
import { type Harness, startHarness } from './harness.ts'
import { serverOfShortHistories } from './servers.ts'

const LIMIT = 2
const RUNS = Array.from({ length: 10 }, (_, i) => `run-${i}`)

// A run adds a dozen events to the keeper's history.
const SHORT_HISTORY = 30

let harness: Harness
beforeAll(async () => {
  harness = await startHarness(() => serverOfShortHistories(SHORT_HISTORY))
})
afterAll(() => harness?.close())

type Events = readonly temporal.api.history.v1.IHistoryEvent[]

/** The events of each of the keeper's runs, the first run first. */
async function historiesOf(keeper: WorkflowHandle): Promise<readonly Events[]> {
  const histories: Events[] = []
  let runId: string | null | undefined
  do {
    const handle = harness.env.client.workflow.getHandle(keeper.workflowId, runId ?? undefined)
    const events = (await handle.fetchHistory()).events ?? []
    histories.unshift(events)
    runId = events[0]?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId
  } while (runId)
  return histories
}

/** The books that were handed on. */
function booksOf(histories: readonly Events[]): readonly SlotBook[] {
  return histories.flatMap(([first]) =>
    (first?.workflowExecutionStartedEventAttributes?.input?.payloads ?? []).map((payload) =>
      defaultPayloadConverter.fromPayload<SlotBook>(payload),
    ),
  )
}

/** Workflow ids in the order in which they were told that they have a slot, after a wait. */
function grantsOf(histories: readonly Events[]): readonly string[] {
  return histories
    .flat()
    .flatMap(({ signalExternalWorkflowExecutionInitiatedEventAttributes: told }) =>
      told ? [told.workflowExecution?.workflowId ?? ''] : [],
    )
}

describe('P15: a keeper of the slots that continues as new', () => {
  test(
    'loses neither a slot nor a place in line, and holds the limit',
    () =>
      withCrowd(harness, 'renewed', LIMIT, async (crowd) => {
        const runs: WorkflowHandle[] = []
        for (const [i, name] of RUNS.entries()) {
          runs.push(await crowd.start(name))
          await crowd.untilSlots(Math.min(i + 1, LIMIT), Math.max(i + 1 - LIMIT, 0))
        }
        for (const name of RUNS) {
          await until(`${name} has its cluster`, async () => crowd.served.includes(name))
          crowd.endJob(name)
        }
        for (const run of runs) await run.result()

        const histories = await historiesOf(crowd.keeper)
        // The first few were answered at once, or told when the keeper had just begun.
        const later = runs.map(({ workflowId }) => workflowId).slice(LIMIT)
        expect(grantsOf(histories).slice(-later.length)).toEqual(later)
        expect(crowd.most).toBe(LIMIT)
        // Who is forgotten asks again after a minute; nobody had to.
        expect(crowd.asked).toEqual(RUNS)
        const books = booksOf(histories)
        expect(books.length).toBeGreaterThan(2)
        expect(books.some(({ holders, waiting }) => holders.length === LIMIT && waiting.length > 0)).toBe(
          true,
        )
      }),
    180_000,
  )
})
