import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { DEADLINES, NAMESPACE_ID } from '../support/activities.ts'
import { contents, putObject } from '../support/objects.ts'
import { until } from '../support/until.ts'
import { type DataprocBench, startDataprocBench } from './dataproc-bench.ts'

let bench: DataprocBench
beforeAll(async () => {
  bench = await startDataprocBench(['us-central1-a', 'us-central1-b', 'us-central1-c'])
})
beforeEach(() => bench.reset())
afterAll(() => bench?.close())

const get = async (clusterName: string) =>
  (await bench.google.clusters.getCluster({ ...bench.at, clusterName }))[0]

describe('createCluster', () => {
  test('gives back the name and the UUID of a cluster that is running, also when its operation was done before', async () => {
    await bench.dataproc.put('/settings', { runningLagMs: 200 })
    const attempt = bench.attempt()
    const cluster = await bench.create(attempt)
    const found = await get(attempt.clusterName)
    expect(cluster).toEqual({
      name: attempt.clusterName,
      uuid: found.clusterUuid,
      runningAt: new Date(
        Number(found.status?.stateStartTime?.seconds) * 1000 +
          Number(found.status?.stateStartTime?.nanos) / 1e6,
      ).toISOString(),
    })
    expect(found.status?.state).toBe('RUNNING')
  })

  test('P3, P4: the cluster says whose it is, whole, and ends by itself after all deadlines', async () => {
    const attempt = bench.attempt()
    const workflowId = `average-speed/post-triggered-run-${'x'.repeat(80)}_Ü`
    await bench.bench.call('createCluster', [attempt, DEADLINES], { workflowId })
    const { labels, config } = await get(attempt.clusterName)
    expect(labels).toMatchObject({ pipeline: 'average-speed', deployment: 'test', attempt: attempt.key })
    expect(labels?.['run']).toMatch(/^[a-z0-9_-]{1,63}$/)
    expect(config?.gceClusterConfig?.metadata).toEqual({
      'average-speed-workflow-id': workflowId,
      'average-speed-namespace-id': NAMESPACE_ID,
      'average-speed-deployment': 'test',
    })
    const { createCluster, sparkJob, clusterLifetime } = DEADLINES
    expect(Number(config?.lifecycleConfig?.autoDeleteTtl?.seconds)).toBe(clusterLifetime / 1000)
    expect(clusterLifetime).toBeGreaterThan(createCluster + sparkJob)
    expect(Number(config?.lifecycleConfig?.idleDeleteTtl?.seconds)).toBe(1800)
  })

  test('a lost reply to clusters.create: the effect happens once', async () => {
    await bench.dataproc.addFault({ on: 'CreateCluster', when: 'after', kind: 'drop' })
    const attempt = bench.attempt()
    const { uuid } = await bench.create(attempt)
    expect(await bench.ledgerOf(attempt)).toEqual([expect.objectContaining({ uuid, state: 'RUNNING' })])
    expect((await bench.dataproc.calls())['CreateCluster']).toBe(2)
  })

  test('a repeated try of the activity meets the cluster of the first', async () => {
    const attempt = bench.attempt()
    const first = await bench.create(attempt)
    expect(await bench.create(attempt)).toEqual(first)
    expect(await bench.ledgerOf(attempt)).toHaveLength(1)
  })

  test('a cluster of that name and key that is there already is taken for ours, and any other is ForeignCluster', async () => {
    const attempt = bench.attempt()
    await bench.create(attempt)
    const known = { ...attempt, key: attempt.key.replace(/^./, 'f') }
    await expect(bench.create(known)).rejects.toMatchObject({
      type: 'InvalidInput',
      nonRetryable: true,
      message: expect.stringContaining(attempt.clusterName),
    })
  })

  test('a cluster that ends in ERROR is ClusterCreationFailed with the reason', async () => {
    await bench.dataproc.post('/cluster-faults', { kind: 'boot-failure' })
    await expect(bench.create(bench.attempt())).rejects.toMatchObject({
      type: 'ClusterCreationFailed',
      nonRetryable: true,
      message: expect.stringMatching(/unable to register with master.*Fix the cause/s),
    })
  })

  test('a zone without machines is Stockout, which names the zone', async () => {
    await bench.dataproc.post('/cluster-faults', { kind: 'stockout', zone: 'us-central1-a' })
    await expect(bench.create(bench.attempt({ zone: 'us-central1-a' }))).rejects.toMatchObject({
      type: 'Stockout',
      nonRetryable: true,
      message: expect.stringMatching(/^us-central1-a has no machines.*CLUSTER_ZONES/s),
    })
  })

  test('a lack of quota is QuotaExceeded, is not tried again at once, and says what to do', async () => {
    await bench.dataproc.post('/cluster-faults', { kind: 'quota' })
    const attempt = bench.attempt()
    await expect(bench.create(attempt)).rejects.toMatchObject({
      type: 'QuotaExceeded',
      nonRetryable: true,
      message: expect.stringMatching(/Insufficient 'CPUS' quota.*ask for more, then retry the run/s),
    })
    expect(await bench.ledgerOf(attempt)).toEqual([])
  })

  test('too many requests a minute are QuotaExceeded, which is worth another try', async () => {
    await bench.dataproc.addFault({ on: 'CreateCluster', kind: 'error', code: 'RESOURCE_EXHAUSTED' })
    await expect(bench.create(bench.attempt())).rejects.toMatchObject({
      type: 'QuotaExceeded',
      nonRetryable: false,
    })
  })

  test('a lack of permission is PermissionDenied, and says whose', async () => {
    await bench.dataproc.addFault({
      on: 'CreateCluster',
      kind: 'error',
      code: 'PERMISSION_DENIED',
      message: "Permission 'dataproc.clusters.create' denied.",
    })
    await expect(bench.create(bench.attempt())).rejects.toMatchObject({
      type: 'PermissionDenied',
      nonRetryable: true,
      message: expect.stringMatching(/'dataproc\.clusters\.create'.*Grant the worker's service account/s),
    })
  })

  test('an outage is Unavailable, which is worth another try', async () => {
    await bench.dataproc.addFault({ on: 'CreateCluster', kind: 'error', code: 'INTERNAL' })
    await expect(bench.create(bench.attempt())).rejects.toMatchObject({
      type: 'Unavailable',
      nonRetryable: false,
    })
  })

  test('a cluster that somebody deletes while it is being created is ClusterGone', async () => {
    await bench.dataproc.put('/settings', { bootMs: 60_000, deleteMs: 60_000 })
    const attempt = bench.attempt()
    const outcome = expect(bench.create(attempt)).rejects.toMatchObject({ type: 'ClusterGone' })
    await until('the cluster is there', async () => (await bench.ledgerOf(attempt)).length > 0)
    await bench.google.clusters.deleteCluster({ ...bench.at, clusterName: attempt.clusterName })
    await outcome
  })
})

describe('the zone that had machines', () => {
  const input = { rawPath: 'zones/raw-1' }
  const zones = async () => (await bench.bench.call('prepareRun', [input])).zones

  test('is tried first by the next run', async () => {
    await bench.create(bench.attempt({ zone: 'us-central1-c' }))
    expect(await zones()).toEqual(['us-central1-c', 'us-central1-a', 'us-central1-b'])
    await bench.create(bench.attempt({ zone: 'us-central1-b' }))
    expect(await zones()).toEqual(['us-central1-b', 'us-central1-a', 'us-central1-c'])
  })

  test('is a hint only: without it, or with nonsense in its place, the zones come in their own order', async () => {
    const folder = `gs://${bench.cloud.get('STATE_BUCKET')}/deployments/test/`
    expect(Object.keys(await contents(bench.google.storage, folder))).toEqual(['zone.json'])
    await putObject(bench.google.storage, `${folder}zone.json`, 'nonsense')
    expect(await zones()).toEqual(['us-central1-a', 'us-central1-b', 'us-central1-c'])
    await bench.storage.addFault({ on: '*', kind: 'latency', latencyMs: 4_000 })
    expect(await zones()).toEqual(['us-central1-a', 'us-central1-b', 'us-central1-c'])
    await bench.create(bench.attempt({ zone: 'us-central1-c' }))
  })
})
