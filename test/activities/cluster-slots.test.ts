import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import type { Attempt, SlotHolder } from '../../workflows/run-types.ts'
import { DEADLINES } from '../support/activities.ts'
import { type DataprocBench, startDataprocBench } from './dataproc-bench.ts'

// Whom the bench's activities work for.
const RUN = 'some-workflow'

let bench: DataprocBench
beforeAll(async () => {
  bench = await startDataprocBench()
})
beforeEach(async () => {
  await bench.reset()
  const { open, clusterNames, slotsLost, slotsAsked, slotsFreed } = bench.bench
  for (const notes of [open, clusterNames, slotsLost]) notes.clear()
  slotsAsked.length = 0
  slotsFreed.length = 0
})
afterAll(() => bench?.close())

const holderOf = ({ clusterName }: Attempt): SlotHolder => ({ workflowId: RUN, clusterName })

/** The names that have lapsed, if the run is open and at the given attempt. */
async function lapsed(holders: readonly Attempt[], openAt?: Attempt): Promise<readonly string[]> {
  const { open, clusterNames } = bench.bench
  if (openAt !== undefined) {
    open.add(RUN)
    clusterNames.set(RUN, openAt.clusterName)
  }
  const found = await bench.bench.call('findLapsedSlots', [holders.map(holderOf)])
  expect(found.limit).toBe(bench.bench.settings.maxClusters)
  return found.lapsed
}

describe('P15: findLapsedSlots', () => {
  test('frees the slot of a run that is closed once its cluster is gone, and not before', async () => {
    const attempt = bench.attempt()
    const { uuid } = await bench.create(attempt)
    expect(await lapsed([attempt])).toEqual([])
    await bench.remove(attempt, uuid)
    expect(await lapsed([attempt])).toEqual([attempt.clusterName])
  })

  test('leaves the slot of an open run that has not created its cluster yet', async () => {
    const attempt = bench.attempt()
    expect(await lapsed([attempt], attempt)).toEqual([])
  })

  test('frees the slot of an open run that is at another attempt by now, once its cluster is gone', async () => {
    const [first, second] = [bench.attempt(), bench.attempt()]
    const { uuid } = await bench.create(first)
    expect(await lapsed([first, second], second)).toEqual([])
    await bench.remove(first, uuid)
    expect(await lapsed([first, second], second)).toEqual([first.clusterName])
  })

  test('looks again after a while, since a creation of a run that was terminated may arrive late', async () => {
    const attempt = bench.attempt()
    await bench.dataproc.clear()
    const looking = lapsed([attempt])
    while (((await bench.dataproc.calls())['GetCluster'] ?? 0) === 0) await Promise.resolve()
    await bench.create(attempt)
    expect(await looking).toEqual([])
  })
})

test('P15: requestClusterSlot asks for the run, by the limit of the deployment', async () => {
  const since = '2019-03-01T00:00:00.000Z'
  await bench.bench.call('requestClusterSlot', ['some-cluster', since])
  const { maxClusters: limit } = bench.bench.settings
  expect(bench.bench.slotsAsked).toEqual([{ workflowId: RUN, clusterName: 'some-cluster', since, limit }])
})

test('P15: a request that Temporal refuses, because the keeper does not get on, is worth another try', async () => {
  const refusal = Object.assign(new Error('Workflow Task in failed state.'), { code: 9 })
  bench.bench.slotRefusals.push(refusal)
  const asked = bench.bench.call('requestClusterSlot', ['some-cluster', '2019-03-01T00:00:00.000Z'])
  await expect(asked).rejects.toMatchObject({ type: 'Unavailable', nonRetryable: false })
})

test('P15: listSlotHolders gives the deployment’s clusters in whatever state, each with its run', async () => {
  await bench.dataproc.put('/settings', { deleteMs: 60_000 })
  const attempts = [bench.attempt(), bench.attempt()]
  for (const attempt of attempts) await bench.create(attempt)
  await bench.google.clusters.deleteCluster({ ...bench.at, clusterName: attempts[0]?.clusterName ?? '' })
  const found = await bench.bench.call('listSlotHolders', [])
  for (const attempt of attempts)
    expect(found).toContainEqual({ ...holderOf(attempt), workflowId: `run-of-${attempt.key}` })
  await bench.dataproc.post('/clock/advance', { ms: 60_000 })
})

describe('P15: createCluster', () => {
  test('creates nothing without a slot, and says so by name', async () => {
    const attempt = bench.attempt()
    bench.bench.slotsLost.add(attempt.clusterName)
    await expect(bench.create(attempt)).rejects.toMatchObject({ type: 'ClusterSlotLost', nonRetryable: true })
    expect(await bench.ledgerOf(attempt)).toEqual([])
  })

  test('goes on with a cluster that it has created already', async () => {
    const attempt = bench.attempt()
    const cluster = await bench.create(attempt)
    bench.bench.slotsLost.add(attempt.clusterName)
    expect(await bench.bench.call('createCluster', [attempt, DEADLINES])).toMatchObject({
      uuid: cluster.uuid,
    })
  })
})

test('P15: removeEarlierClusters deletes what the run had before, frees its slot, and spares its own', async () => {
  const [first, second] = [bench.attempt(), bench.attempt()]
  const { bench: activities } = bench
  await activities.call('createCluster', [first, DEADLINES])
  activities.clusterNames.set('some-workflow', second.clusterName)
  await activities.call('removeEarlierClusters', [])
  expect((await bench.ledgerOf(first))[0]?.state).toBe('GONE')
  expect(activities.slotsFreed).toContain(first.clusterName)
  await activities.call('createCluster', [second, DEADLINES])
  await activities.call('removeEarlierClusters', [])
  expect((await bench.ledgerOf(second))[0]?.state).toBe('RUNNING')
})
