import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { Context } from '@temporalio/activity'
import { type Harness, startHarness } from './harness.ts'

let harness: Harness
beforeAll(async () => {
  harness = await startHarness()
})
afterAll(() => harness.close())

/**
 * Sleeps in the server's time, with a heartbeat every 20 seconds of it. These heartbeats are awaited: one that the SDK
 * sends by itself may arrive minutes late on a clock that runs this fast.
 */
async function sleepServerTime(minutes: number): Promise<void> {
  const { taskToken } = Context.current().info
  for (let i = 0; i < minutes * 3; i++) {
    await harness.env.client.activity.heartbeat(taskToken, i)
    await harness.env.sleep(20_000)
  }
}

test('waits 40 minutes for a slow cluster', async () => {
  const run = await harness.run({
    createCluster: async (attempt) => {
      await sleepServerTime(40)
      return { name: attempt.clusterName, uuid: 'slow' }
    },
  })
  expect(run.status).toBe('COMPLETED')
  expect(run.result?.clusters[0]?.seconds).toBeGreaterThanOrEqual(40 * 60)
})

test('a creation that exceeds its deadline fails by name, is diagnosed, and is torn down', async () => {
  const run = await harness.run({ createCluster: async () => sleepServerTime(70) as Promise<never> })
  expect(run.failure?.type).toBe('ClusterCreationTimedOut')
  expect(run.failure?.message).toContain('gs://staging/diagnostic.tar.gz')
  expect(run.names).toContain('deleteClusterIfPresent')
  expect(run.names).toContain('deleteTemporaryFiles')
})
