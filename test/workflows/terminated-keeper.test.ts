import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { until } from '../support/until.ts'
import { withCrowd } from './crowd.ts'
import { type Harness, startHarness } from './harness.ts'

// A server of its own: what an earlier test has left on one may hold its time up, and this one waits for a minute to pass.
let harness: Harness
beforeAll(async () => {
  harness = await startHarness()
})
afterAll(() => harness.close())

describe('P15: the keeper of the slots', () => {
  test('may be terminated: who waits asks again, and the clusters that are there count', () =>
    withCrowd(harness, 'terminated', 1, async (crowd) => {
      const a = await crowd.start('a')
      await until('a has its cluster', async () => crowd.served.includes('a'))
      const b = await crowd.start('b')
      await crowd.untilSlots(1, 1)
      await crowd.keeper.terminate()
      const c = await crowd.start('c')
      await until('there is another keeper', async () => {
        return (await crowd.keeper.describe()).status.name === 'RUNNING'
      })
      await crowd.untilSlots(1, 1)
      expect(crowd.served).toEqual(['a'])
      for (const name of ['a', 'b', 'c']) crowd.endJob(name)
      await a.result()
      await c.result()
      await b.result()
      expect(crowd.served.toSorted()).toEqual(['a', 'b', 'c'])
      expect(crowd.most).toBe(1)
      await crowd.keeper.result()
    }))
})
