import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { CancelledFailure } from '@temporalio/activity'
import { ownership } from '../../activities/labels.ts'
import type { Attempt } from '../../workflows/run-types.ts'
import { activityBench, activityEnvironment, DEADLINES, NAMESPACE_ID } from '../support/activities.ts'
import { holdCall } from '../support/holds.ts'
import { contents } from '../support/objects.ts'
import { until } from '../support/until.ts'
import { type DataprocBench, runOf, startDataprocBench } from './dataproc-bench.ts'

let bench: DataprocBench
beforeAll(async () => {
  bench = await startDataprocBench()
})
beforeEach(() => bench.reset())
afterAll(() => bench?.close())

const remove = (attempt: Attempt, uuid?: string) => bench.remove(attempt, uuid)
const deletions = async () => (await bench.dataproc.calls())['DeleteCluster'] ?? 0

/** A cluster that another program made under the attempt's name. */
async function createForeign(clusterName: string, labels: Record<string, string>): Promise<string> {
  const [operation] = await bench.google.clusters.createCluster({
    ...bench.at,
    cluster: { projectId: bench.at.projectId, clusterName, labels, config: {} },
  })
  const [cluster] = await operation.promise()
  return cluster.clusterUuid ?? ''
}

describe('deleteClusterIfPresent', () => {
  test('P3: has ended when the cluster is gone', async () => {
    await bench.dataproc.put('/settings', { deleteMs: 100 })
    const attempt = bench.attempt()
    const { uuid } = await bench.create(attempt)
    await remove(attempt, uuid)
    expect(await bench.ledgerOf(attempt)).toEqual([
      expect.objectContaining({ state: 'GONE', deletedBy: 'request' }),
    ])
  })

  test('P15: frees the slot once the cluster is gone, and not before', async () => {
    await bench.dataproc.put('/settings', { deleteMs: 500 })
    const attempt = bench.attempt()
    const { uuid } = await bench.create(attempt)
    const removing = remove(attempt, uuid)
    await until('it is being deleted', async () => (await bench.ledgerOf(attempt))[0]?.state === 'DELETING')
    expect(bench.bench.slotsFreed).not.toContain(attempt.clusterName)
    await removing
    expect(bench.bench.slotsFreed).toContain(attempt.clusterName)
  })

  test('P15: frees the slot of a cluster that never was', async () => {
    const attempt = bench.attempt()
    await remove(attempt)
    expect(bench.bench.slotsFreed).toContain(attempt.clusterName)
  })

  test('tells when the cluster and its job changed state, by the service itself', async () => {
    await bench.dataproc.put('/settings', { deleteMs: 300, jobStartMs: 20, jobMs: 50 })
    const attempt = bench.attempt()
    const cluster = await bench.create(attempt)
    await bench.bench.call('runSparkJob', [bench.plan, bench.batch, attempt, cluster])
    const times = await bench.bench.call(
      'deleteClusterIfPresent',
      [{ ...cluster, key: attempt.key, sparkJobId: attempt.sparkJobId }],
      runOf(attempt),
    )
    const { clusters, jobs } = await bench.dataproc.get<{
      clusters: Record<string, string>[]
      jobs: Record<string, string>[]
    }>('/ledger')
    const entry = clusters.find(({ name }) => name === attempt.clusterName)
    const job = jobs.find(({ id }) => id === attempt.sparkJobId)
    expect(times).toEqual({
      runningAt: entry?.['running'],
      jobAcceptedAt: expect.any(String),
      jobEndedAt: job?.['ended'],
      deleteRequestedAt: entry?.['deleteRequested'],
    })
    // Some milliseconds pass between the request and the state that it leads to.
    const { jobAcceptedAt = '' } = times
    expect(Date.parse(jobAcceptedAt)).toBeGreaterThanOrEqual(Date.parse(job?.['submitted'] ?? ''))
    expect(Date.parse(jobAcceptedAt)).toBeLessThanOrEqual(Date.parse(job?.['ended'] ?? ''))
  })

  test('is not held up by a job that cannot be read, whose times are then left out', async () => {
    await bench.dataproc.put('/settings', { deleteMs: 300 })
    const attempt = bench.attempt()
    const cluster = await bench.create(attempt)
    await bench.dataproc.addFault({ on: 'GetJob', kind: 'error', code: 'UNAVAILABLE', times: 1_000 })
    const times = await bench.bench.call(
      'deleteClusterIfPresent',
      [{ ...cluster, key: attempt.key, sparkJobId: attempt.sparkJobId }],
      runOf(attempt),
    )
    expect(times).toEqual({ runningAt: cluster.runningAt, deleteRequestedAt: expect.any(String) })
    expect((await bench.dataproc.calls())['GetJob']).toBe(1)
  })

  test('P4: leaves a cluster of the same name and another UUID alone', async () => {
    const attempt = bench.attempt()
    const { uuid } = await bench.create(attempt)
    await remove(attempt, uuid)
    const foreign = await createForeign(attempt.clusterName, {})
    await remove(attempt, uuid)
    expect((await bench.ledgerOf(attempt)).at(-1)).toMatchObject({ uuid: foreign, state: 'RUNNING' })
  })

  test('P4: finds a cluster whose creation was never answered by its name, and deletes it for its labels', async () => {
    const attempt = bench.attempt()
    await bench.create(attempt)
    await remove(attempt)
    expect(await bench.ledgerOf(attempt)).toEqual([expect.objectContaining({ state: 'GONE' })])
  })

  test.each([
    ['none', {}],
    ['those of another pipeline', { pipeline: 'other', deployment: 'test', attempt: 'KEY' }],
    ['those of another deployment', { pipeline: 'average-speed', deployment: 'prod', attempt: 'KEY' }],
    ['those of another attempt', { pipeline: 'average-speed', deployment: 'test', attempt: 'other' }],
  ])('P4: refuses by name a cluster with foreign labels: %s', async (_, labels) => {
    const attempt = bench.attempt()
    const entries = Object.entries(labels).map(([name, value]) => [name, value.replace('KEY', attempt.key)])
    await createForeign(attempt.clusterName, Object.fromEntries(entries))
    await expect(remove(attempt)).rejects.toMatchObject({ type: 'ForeignCluster', nonRetryable: true })
    expect(await bench.ledgerOf(attempt)).toEqual([expect.objectContaining({ state: 'RUNNING' })])
    expect(await deletions()).toBe(0)
  })

  test('is done when there is no such cluster, also after a while', async () => {
    await remove(bench.attempt())
    expect(await deletions()).toBe(0)
    expect((await bench.dataproc.calls())['GetCluster']).toBe(2)
  })

  test('P3: a creation that arrives late is found by the second look', async () => {
    const attempt = bench.attempt()
    await bench.dataproc.addFault({ on: 'GetCluster', kind: 'error', code: 'NOT_FOUND' })
    const { labels, metadata } = ownership('test', { namespaceId: NAMESPACE_ID, ...runOf(attempt) }, attempt)
    await bench.google.clusters.createCluster({
      ...bench.at,
      cluster: {
        projectId: bench.at.projectId,
        clusterName: attempt.clusterName,
        labels,
        config: { gceClusterConfig: { metadata } },
      },
    })
    await remove(attempt)
    expect(await bench.ledgerOf(attempt)).toEqual([expect.objectContaining({ state: 'GONE' })])
  })

  test('waits for a cluster that is being deleted already, and asks for nothing more', async () => {
    await bench.dataproc.put('/settings', { deleteMs: 150 })
    const attempt = bench.attempt()
    const { uuid } = await bench.create(attempt)
    await bench.google.clusters.deleteCluster({ ...bench.at, clusterName: attempt.clusterName })
    await remove(attempt, uuid)
    expect(await bench.ledgerOf(attempt)).toEqual([expect.objectContaining({ state: 'GONE' })])
  })

  test('a lost reply to clusters.delete: the effect happens once', async () => {
    await bench.dataproc.put('/settings', { deleteMs: 300 })
    await bench.dataproc.addFault({ on: 'DeleteCluster', when: 'after', kind: 'drop' })
    const attempt = bench.attempt()
    const { uuid } = await bench.create(attempt)
    await remove(attempt, uuid)
    const [cluster] = await bench.ledgerOf(attempt)
    expect(cluster).toMatchObject({ state: 'GONE', deletedBy: 'request' })
    expect(await deletions()).toBe(2)
  })

  test('P11: a deletion that fails on the other side is worth another try, which succeeds', async () => {
    await bench.dataproc.post('/cluster-faults', { kind: 'delete-failure' })
    const attempt = bench.attempt()
    const { uuid } = await bench.create(attempt)
    await expect(remove(attempt, uuid)).rejects.toMatchObject({
      nonRetryable: false,
      message: expect.stringContaining('still in the state ERROR'),
    })
    await remove(attempt, uuid)
    expect(await bench.ledgerOf(attempt)).toEqual([expect.objectContaining({ state: 'GONE' })])
  })

  test('a cluster that is still CREATING, or in ERROR, is deleted like any other', async () => {
    await bench.dataproc.post('/cluster-faults', { kind: 'boot-failure' })
    const failed = bench.attempt()
    await bench.create(failed).catch(() => undefined)
    await remove(failed)
    await bench.dataproc.put('/settings', { bootMs: 60_000 })
    const booting = bench.attempt()
    const environment = activityEnvironment(runOf(booting).workflowId)
    const creation = bench.bench.call('createCluster', [booting, DEADLINES], { environment })
    const outcome = expect(creation).rejects.toThrow(CancelledFailure)
    await until('the cluster is there', async () => (await bench.ledgerOf(booting)).length > 0)
    environment.cancel()
    await outcome
    await remove(booting)
    for (const attempt of [failed, booting])
      expect(await bench.ledgerOf(attempt)).toEqual([expect.objectContaining({ state: 'GONE' })])
  })
})

describe('diagnoseCluster', () => {
  test('gives the place of the report on a cluster in ERROR', async () => {
    await bench.dataproc.post('/cluster-faults', { kind: 'boot-failure' })
    const attempt = bench.attempt()
    await expect(bench.create(attempt)).rejects.toMatchObject({ type: 'ClusterCreationFailed' })
    const uri = (await bench.bench.call('diagnoseCluster', [attempt])) ?? ''
    expect(uri).toMatch(/^gs:\/\//)
    const report = await contents(bench.google.storage, uri)
    expect(report['']).toContain('unable to register with master')
  })

  test('gives nothing when there is no such cluster', async () => {
    expect(await bench.bench.call('diagnoseCluster', [bench.attempt()])).toBeUndefined()
  })

  test('a lost reply to clusters.diagnose: there is a report all the same, and the cluster is as it was', async () => {
    const attempt = bench.attempt()
    await bench.create(attempt)
    await bench.dataproc.addFault({ on: 'DiagnoseCluster', when: 'after', kind: 'drop' })
    expect(await bench.bench.call('diagnoseCluster', [attempt])).toMatch(/^gs:\/\//)
    expect(await bench.ledgerOf(attempt)).toEqual([expect.objectContaining({ state: 'RUNNING' })])
  })
})

describe('reapOrphans', () => {
  const create = async (workflowId: string) => {
    const attempt = bench.attempt()
    await bench.bench.call('createCluster', [attempt, DEADLINES], { workflowId })
    return attempt
  }
  const stateOf = async (attempt: Attempt) => (await bench.ledgerOf(attempt)).at(-1)?.state
  const gone = async (attempt: Attempt) => ['DELETING', 'GONE'].includes((await stateOf(attempt)) ?? '')

  test('P3: deletes the clusters whose run is closed, and leaves those whose run is open', async () => {
    const [orphan, served] = [await create('closed'), await create('open')]
    bench.bench.open.add('open')
    const { deleted: reaped } = await bench.bench.call('reapOrphans', [])
    expect(reaped).toContain(orphan.clusterName)
    expect(reaped).not.toContain(served.clusterName)
    expect(await gone(orphan)).toBe(true)
    expect(await stateOf(served)).toBe('RUNNING')
  })

  test('P3: a run whose id is longer than a label is told from others by its whole id', async () => {
    const tail = 'x'.repeat(70)
    const [orphan, served] = [await create(`a-${tail}`), await create(`b-${tail}`)]
    bench.bench.open.add(`b-${tail}`)
    await bench.bench.call('reapOrphans', [])
    expect(await gone(orphan)).toBe(true)
    expect(await stateOf(served)).toBe('RUNNING')
  })

  test('P4: leaves clusters of other deployments and of nobody alone', async () => {
    const names = [bench.attempt(), bench.attempt()]
    await createForeign(names[0]?.clusterName ?? '', { pipeline: 'average-speed', deployment: 'prod' })
    await createForeign(names[1]?.clusterName ?? '', { pipeline: 'average-speed', deployment: 'test' })
    await bench.bench.call('reapOrphans', [])
    for (const attempt of names) expect(await stateOf(attempt)).toBe('RUNNING')
  })

  test('one that cannot be deleted does not keep the others, and makes the sweep fail', async () => {
    const [first, second] = [await create('closed-1'), await create('closed-2')]
    await bench.dataproc.addFault({
      on: 'DeleteCluster',
      match: first.clusterName,
      kind: 'error',
      code: 'PERMISSION_DENIED',
    })
    await expect(bench.bench.call('reapOrphans', [])).rejects.toMatchObject({ type: 'PermissionDenied' })
    expect(await stateOf(first)).toBe('RUNNING')
    expect(await gone(second)).toBe(true)
  })

  test('a lost reply to its clusters.delete: the next sweep has nothing to do', async () => {
    const orphan = await create('closed-3')
    await bench.dataproc.addFault({ on: 'DeleteCluster', when: 'after', kind: 'drop', times: 9 })
    await bench.bench.call('reapOrphans', []).catch(() => undefined)
    await bench.dataproc.clear()
    expect((await bench.bench.call('reapOrphans', [])).deleted).not.toContain(orphan.clusterName)
    expect(await gone(orphan)).toBe(true)
  })
})

describe('row 9: two Temporal namespaces with one deployment', () => {
  test('do not delete the clusters of each other, and the sweep says what it has left alone', async () => {
    const attempt = bench.attempt()
    const workflowId = 'average-speed/the-same'
    await bench.bench.call('createCluster', [attempt, DEADLINES], { workflowId })
    const elsewhere = activityBench(bench.cloud, bench.google, { settleMs: 20 }, 'another-namespace')
    const sweep = await elsewhere.call('reapOrphans', [])
    expect(sweep.deleted).toEqual([])
    expect(sweep.leftAlone).toContain(attempt.clusterName)
    const theirs = bench.attempt()
    await elsewhere.call('createCluster', [theirs, DEADLINES], { workflowId })
    for (const one of [attempt, theirs])
      expect(await bench.ledgerOf(one)).toEqual([expect.objectContaining({ state: 'RUNNING' })])
  })
})

describe('row 10: a creation that lands late', () => {
  const workflowId = 'average-speed/overtaken'
  const create = (attempt: Attempt, runId: string) =>
    bench.bench.call('createCluster', [attempt, DEADLINES], { workflowId, runId })
  const stateOf = async (attempt: Attempt) => (await bench.ledgerOf(attempt)).at(-1)?.state

  afterEach(() => {
    bench.bench.reset.clear()
    bench.bench.open.clear()
    bench.bench.ended.clear()
  })

  test('across a reset: its own activity deletes it, and never the cluster of the new execution', async () => {
    const [old, live] = [bench.attempt(), bench.attempt()]
    const hold = await holdCall(bench.dataproc, { on: 'CreateCluster', match: old.clusterName })
    const late = create(old, 'first').catch(() => undefined)
    await hold.reached()
    bench.bench.open.add(workflowId)
    bench.bench.reset.set(workflowId, 'second')
    await create(live, 'second')
    await hold.release('go')
    await late
    expect(await stateOf(old)).toBe('GONE')
    expect(await stateOf(live)).toBe('RUNNING')
  })

  test.each([
    ['a reset', true],
    ['a cancel or a terminate', false],
  ])('across %s, when its worker is gone: the next sweep deletes it, and no other', async (_, isReset) => {
    const [old, live] = [bench.attempt(), bench.attempt()]
    await create(old, 'first')
    if (isReset) {
      bench.bench.open.add(workflowId)
      bench.bench.reset.set(workflowId, 'second')
      // What its cluster is called is in its memo before it asks for it.
      bench.bench.clusterNames.set(workflowId, live.clusterName)
    }
    const { deleted } = await bench.bench.call('reapOrphans', [])
    expect(deleted).toContain(old.clusterName)
    if (isReset) await create(live, 'second')
    expect((await bench.bench.call('reapOrphans', [])).deleted).not.toContain(live.clusterName)
    expect(await stateOf(old)).toBe('GONE')
  })

  test('and a teardown of an earlier execution spares the cluster that the run goes on with', async () => {
    const attempt = bench.attempt()
    const { uuid } = await create(attempt, 'first')
    bench.bench.open.add(workflowId)
    bench.bench.reset.set(workflowId, 'second')
    const remove = (runId: string) =>
      bench.bench.call('deleteClusterIfPresent', [{ key: attempt.key, uuid }], { workflowId, runId })
    await expect(remove('first')).rejects.toMatchObject({ type: 'ExecutionEnded' })
    expect(await stateOf(attempt)).toBe('RUNNING')
    await remove('second')
    expect(await stateOf(attempt)).toBe('GONE')
  })
})
