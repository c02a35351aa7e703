import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Activities } from '../../activities/index.ts'
import { fails, type Harness, LOADED, startHarness, wellBehaved } from './harness.ts'

let harness: Harness
beforeAll(async () => {
  harness = await startHarness()
})
afterAll(() => harness.close())

describe('a cluster that is lost', () => {
  test('P13: is replaced once, under new names, and both are torn down', async () => {
    let tries = 0
    const run = await harness.run({
      runSparkJob: () => (++tries === 1 ? fails('ClusterGone')() : Promise.resolve(undefined)),
    })
    expect(run.status).toBe('COMPLETED')
    const created = run.calls
      .filter(({ name }) => name === 'createCluster')
      .map(({ args }) => (args[0] as { clusterName: string }).clusterName)
    expect(new Set(created).size).toBe(2)
    expect(run.names.filter((name) => name === 'deleteClusterIfPresent')).toHaveLength(2)
    expect(run.progress.attempt).toBe(2)
  })

  test('P13: is given up the second time', async () => {
    const run = await harness.run({ runSparkJob: fails('ClusterGone') })
    expect(run.failure?.type).toBe('ClusterGone')
    expect(run.names.filter((name) => name === 'createCluster')).toHaveLength(2)
  })

  test('P13: output that is gone before the load costs one more attempt, and is loaded then', async () => {
    let tries = 0
    const run = await harness.run({
      loadTable: () => (++tries === 1 ? fails('OutputGone')() : Promise.resolve(LOADED)),
    })
    expect(run.status).toBe('COMPLETED')
    expect(run.progress.attempt).toBe(2)
    // The load that succeeds gives the table up by itself.
    expect(run.names).not.toContain('releaseTable')
  })

  test('P13: raw files that are not where they were are looked for again before the next attempt', async () => {
    let tries = 0
    const run = await harness.run({
      runSparkJob: () => (++tries === 1 ? fails('RawFilesMissing')() : Promise.resolve(undefined)),
    })
    expect(run.status).toBe('COMPLETED')
    const described = run.names.lastIndexOf('describeRawFiles')
    expect(described).toBeGreaterThan(run.names.indexOf('runSparkJob'))
    expect(described).toBeLessThan(run.names.lastIndexOf('createCluster'))
  })

  test('P13: raw files that are nowhere end the run by name, without a second cluster', async () => {
    let descriptions = 0
    const run = await harness.run({
      describeRawFiles: (plan) =>
        ++descriptions === 1 ? wellBehaved.describeRawFiles(plan) : fails('RawFilesMissing')(),
      runSparkJob: fails('RawFilesMissing'),
    })
    expect(run.failure?.type).toBe('RawFilesMissing')
    expect(run.names.filter((name) => name === 'createCluster')).toHaveLength(1)
  })

  test('P7, P13: a batch that turns out to be loaded is only archived, without a second attempt', async () => {
    let looks = 0
    const run = await harness.run({
      findLoad: async () => ({
        isUnderWay: false,
        ...(++looks > 1 && { load: LOADED }),
      }),
      runSparkJob: fails('ClusterGone'),
    })
    expect(run.result).toMatchObject({ loadedBefore: true, rowsLoaded: 9 })
    expect(run.names.filter((name) => name === 'createCluster')).toHaveLength(1)
    expect(run.names).not.toContain('loadTable')
  })

  test('a zone without machines is followed by the next zone, and nothing is left of the loser', async () => {
    const prepared = async (...args: Parameters<Activities['prepareRun']>) => ({
      ...(await wellBehaved.prepareRun(...args)),
      zones: ['us-central1-a', 'us-central1-b'],
    })
    const run = await harness.run({
      prepareRun: prepared,
      createCluster: async (attempt) =>
        attempt.zone === 'us-central1-a' ? fails('Stockout')() : { name: attempt.clusterName, uuid: 'b' },
    })
    expect(run.status).toBe('COMPLETED')
    expect(run.names.filter((name) => name === 'deleteClusterIfPresent')).toHaveLength(2)
  })
})
