import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Connection } from '@temporalio/client'
import { until } from '../support/until.ts'
import { withCrowd } from './crowd.ts'
import { type Harness, startHarness } from './harness.ts'

// A server of its own: on this one, the activity of a run that was terminated holds time up for ever after.
let harness: Harness
beforeAll(async () => {
  harness = await startHarness()
})
afterAll(() => harness.close())

/** Lets time pass on the server, though an activity is running, which holds it up. */
async function pass(time: '1 minute' | '5 minutes'): Promise<void> {
  const { testService } = harness.env.connection as Connection
  await testService?.unlockTimeSkipping({})
  await harness.env.sleep(time)
  await testService?.lockTimeSkipping({})
}

describe('P15: the keeper of the slots', () => {
  test('takes the slot of a run that was terminated, but not before its cluster is gone', () =>
    withCrowd(harness, 'dead-holder', 1, async (crowd) => {
      const a = await crowd.start('a')
      await until('a has its cluster', async () => crowd.served.includes('a'))
      const b = await crowd.start('b')
      await crowd.untilSlots(1, 1)
      await a.terminate()
      await pass('5 minutes')
      expect(crowd.served).toEqual(['a'])
      crowd.clusters.clear()
      crowd.endJob('b')
      await pass('1 minute')
      await b.result()
      expect(crowd.served).toEqual(['a', 'b'])
      await crowd.keeper.result()
    }))
})
