import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { ApplicationFailure } from '@temporalio/activity'
import { until } from '../support/until.ts'
import { withCrowd } from './crowd.ts'
import { type Harness, startHarness } from './harness.ts'

let harness: Harness
beforeAll(async () => {
  harness = await startHarness()
})
afterAll(() => harness.close())

describe('P15: the keeper of the slots', () => {
  test('lets runs have clusters in the order in which they asked, and ends when nobody is left', () =>
    withCrowd(harness, 'order', 2, async (crowd) => {
      const names = ['a', 'b', 'c', 'd', 'e']
      // Two that have a slot may be served in any order, so each is waited for before the next one gets its slot.
      const served = (name: string | undefined) =>
        until(`${name} has its cluster`, async () => name === undefined || crowd.served.includes(name))
      const runs = []
      for (const [i, name] of names.entries()) {
        runs.push(await crowd.start(name))
        await crowd.untilSlots(Math.min(i + 1, 2), Math.max(i - 1, 0))
        if (i < 2) await served(name)
      }
      for (const [i, name] of names.entries()) {
        crowd.endJob(name)
        await served(names[i + 2])
      }
      for (const run of runs) await run.result()
      expect(crowd.served).toEqual(names)
      expect(crowd.most).toBe(2)
      await crowd.keeper.result()
    }))

  test('forgets a run that is cancelled while it waits; it ends at once and has had no cluster', () =>
    withCrowd(harness, 'cancel', 1, async (crowd) => {
      const a = await crowd.start('a')
      await crowd.untilSlots(1, 0)
      const b = await crowd.start('b')
      await crowd.untilSlots(1, 1)
      await b.cancel()
      await expect(b.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } })
      await crowd.untilSlots(1, 0)
      crowd.endJob('a')
      await a.result()
      expect(crowd.served).toEqual(['a'])
    }))

  test('passes over a run that was terminated while it waited', () =>
    withCrowd(harness, 'dead-waiter', 1, async (crowd) => {
      const a = await crowd.start('a')
      await crowd.untilSlots(1, 0)
      const b = await crowd.start('b')
      await crowd.untilSlots(1, 1)
      const c = await crowd.start('c')
      await crowd.untilSlots(1, 2)
      await b.terminate()
      crowd.endJob('a')
      crowd.endJob('c')
      await a.result()
      await c.result()
      expect(crowd.served).toEqual(['a', 'c'])
      await crowd.keeper.result()
    }))

  test('lets a second attempt keep its place in line, and counts the first until it is deleted', () =>
    withCrowd(harness, 'second-attempt', 1, async (crowd) => {
      const a = await crowd.start('a')
      await until('a has its cluster', async () => crowd.served.includes('a'))
      const b = await crowd.start('b')
      await crowd.untilSlots(1, 1)
      const letGo = crowd.holdDeletions()
      crowd.endJob('a', ApplicationFailure.nonRetryable('gone', 'ClusterGone'))
      await crowd.untilSlots(1, 2)
      expect(crowd.served).toEqual(['a'])
      letGo()
      await until('a has another cluster', async () => crowd.served.length === 2)
      expect(crowd.served).toEqual(['a', 'a'])
      crowd.endJob('a')
      crowd.endJob('b')
      await a.result()
      await b.result()
      expect(crowd.served).toEqual(['a', 'a', 'b'])
      expect(crowd.most).toBe(1)
    }))
})
