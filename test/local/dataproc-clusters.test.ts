import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import {
  type Cluster,
  createCluster,
  type DataprocUnderTest,
  startDataprocUnderTest,
  statesOf,
  status,
  until,
} from './dataproc-support.ts'

let dataproc: DataprocUnderTest
beforeAll(async () => {
  dataproc = await startDataprocUnderTest()
})
afterAll(() => dataproc.close())

const get = async (clusterName: string) =>
  (await dataproc.clusters.getCluster({ ...dataproc.at, clusterName }))[0]

describe('createCluster', () => {
  test('returns an operation whose response is the running cluster and whose metadata names it', async () => {
    const { clusters, at, parent } = dataproc
    const [operation] = await clusters.createCluster({
      ...at,
      cluster: { clusterName: 'created', labels: { pipeline: 'test' }, config: {} },
    })
    expect(operation.name).toMatch(new RegExp(`^${parent}/operations/[0-9a-f-]{36}$`))
    const [cluster, metadata] = await operation.promise()
    expect(cluster).toMatchObject({ clusterName: 'created', projectId: at.projectId, status: { state: 2 } })
    expect(cluster.labels).toMatchObject({ pipeline: 'test', 'goog-dataproc-cluster-name': 'created' })
    expect(metadata).toMatchObject({
      clusterName: 'created',
      clusterUuid: cluster.clusterUuid,
      operationType: 'CREATE',
      status: { state: 3 },
    })
  })

  test('fills in zone, sizes, image and a staging bucket that exists', async () => {
    const cluster = await createCluster(dataproc, 'defaults')
    expect(cluster.config).toMatchObject({
      masterConfig: { numInstances: 1, instanceNames: ['defaults-m'] },
      workerConfig: { numInstances: 2, instanceNames: ['defaults-w-0', 'defaults-w-1'] },
    })
    expect(cluster.config?.gceClusterConfig?.zoneUri).toMatch(/\/zones\/us-central1-[a-f]$/)
    expect(cluster.config?.configBucket).toMatch(/^dataproc-staging-us-central1-\d+-[a-z]{8}$/)
    const bucket = `${dataproc.storageEndpoint}/storage/v1/b/${cluster.config?.configBucket}`
    await until(
      async () => (await fetch(bucket)).status,
      (code) => code === 200,
    )
  })

  test('goes from CREATING to RUNNING and keeps the history', async () => {
    await dataproc.control('PUT', '/settings', { bootMs: 300 })
    const [operation] = await dataproc.clusters.createCluster({
      ...dataproc.at,
      cluster: { clusterName: 'history', config: {} },
    })
    expect(statesOf(await get('history'))).toEqual(['CREATING'])
    await operation.promise()
    const cluster = await get('history')
    expect(statesOf(cluster)).toEqual(['CREATING', 'RUNNING'])
    expect(Number(cluster.status?.stateStartTime?.seconds)).toBeGreaterThan(0)
    await dataproc.control('PUT', '/settings', { bootMs: 0 })
  })

  test('with a request id that was used before returns the first operation', async () => {
    const { clusters, at } = dataproc
    const requestId = randomUUID()
    const request = { ...at, requestId, cluster: { clusterName: 'replayed', config: {} } }
    const [first] = await clusters.createCluster(request)
    await first.promise()
    const [second] = await clusters.createCluster(request)
    expect(second.name).toBe(first.name)
    expect(second.latestResponse.done).toBe(true)
  })

  test('with the same request id at the same moment makes one cluster', async () => {
    const { clusters, at } = dataproc
    const request = { ...at, requestId: randomUUID(), cluster: { clusterName: 'together', config: {} } }
    const answers = await Promise.all([1, 2, 3].map(() => clusters.createCluster(request)))
    expect(new Set(answers.map(([operation]) => operation.name)).size).toBe(1)
  })

  test('refuses a name that is taken with ALREADY_EXISTS', async () => {
    await createCluster(dataproc, 'taken')
    await expect(createCluster(dataproc, 'taken')).rejects.toMatchObject({
      code: status.ALREADY_EXISTS,
      message: expect.stringContaining('clusters/taken'),
    })
  })

  const minutes = (count: number) => ({ seconds: count * 60 })
  const lifecycle = (lifecycleConfig: object): Cluster => ({ config: { lifecycleConfig } })
  test.each<[string, Cluster]>([
    ['a name with a capital', { clusterName: 'Upper' }],
    ['a name that ends in a hyphen', { clusterName: 'hyphen-' }],
    ['a name of 52 characters', { clusterName: 'a'.repeat(52) }],
    ['no name', { clusterName: '' }],
    ['a label value with a capital', { labels: { key: 'Value' } }],
    ['a label key that begins with a digit', { labels: { '1key': 'value' } }],
    ['33 labels', { labels: Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`k${i}`, 'v'])) }],
    ['an idle limit below 5 minutes', lifecycle({ idleDeleteTtl: { seconds: 299 } })],
    ['an idle limit above 14 days', lifecycle({ idleDeleteTtl: minutes(14 * 24 * 60 + 1) })],
    ['an age below 10 minutes', lifecycle({ autoDeleteTtl: { seconds: 599 } })],
    ['an end in the past', lifecycle({ autoDeleteTime: { seconds: 1 } })],
    ['one worker', { config: { workerConfig: { numInstances: 1 } } }],
    ['two masters', { config: { masterConfig: { numInstances: 2 } } }],
    ['a zone of another region', { config: { gceClusterConfig: { zoneUri: 'europe-west1-b' } } }],
    ['network and subnetwork', { config: { gceClusterConfig: { networkUri: 'n', subnetworkUri: 's' } } }],
    ['a staging bucket that is not there', { config: { configBucket: 'no-such-bucket' } }],
    ['a staging bucket given as a URI', { config: { configBucket: 'gs://bucket' } }],
    ['another project', { projectId: 'another' }],
  ])('refuses %s with INVALID_ARGUMENT', async (_, cluster) => {
    await expect(createCluster(dataproc, 'refused', cluster)).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
    })
  })

  test.each(['spaces in it', 'x'.repeat(41)])('refuses request id "%s"', async (requestId) => {
    const cluster = { clusterName: 'refused', config: {} }
    await expect(
      dataproc.clusters.createCluster({ ...dataproc.at, requestId, cluster }),
    ).rejects.toMatchObject({ code: status.INVALID_ARGUMENT })
  })

  test('refuses a request without project or region', async () => {
    const cluster = { clusterName: 'refused', config: {} }
    for (const at of [
      { projectId: '', region: 'us-central1' },
      { projectId: 'local-project', region: '' },
    ]) {
      await expect(dataproc.clusters.createCluster({ ...at, cluster })).rejects.toMatchObject({
        code: status.INVALID_ARGUMENT,
      })
    }
  })
})

describe('deleteCluster', () => {
  test('goes through DELETING and leaves NOT_FOUND, with an empty response', async () => {
    await createCluster(dataproc, 'deleted')
    await dataproc.control('PUT', '/settings', { deleteMs: 300 })
    const [operation] = await dataproc.clusters.deleteCluster({ ...dataproc.at, clusterName: 'deleted' })
    expect(statesOf(await get('deleted'))).toEqual(['CREATING', 'RUNNING', 'DELETING'])
    const [, metadata] = await operation.promise()
    expect(metadata).toMatchObject({ operationType: 'DELETE', clusterName: 'deleted' })
    await expect(get('deleted')).rejects.toMatchObject({
      code: status.NOT_FOUND,
      message: expect.stringContaining(
        'Not found: Cluster projects/local-project/regions/us-central1/clusters/deleted',
      ),
    })
    await dataproc.control('PUT', '/settings', { deleteMs: 0 })
  })

  test('frees the name for another cluster with another UUID', async () => {
    const first = await createCluster(dataproc, 'reused')
    const [operation] = await dataproc.clusters.deleteCluster({ ...dataproc.at, clusterName: 'reused' })
    await operation.promise()
    const second = await createCluster(dataproc, 'reused')
    expect(second.clusterUuid).not.toBe(first.clusterUuid)
  })

  test('with the UUID of another cluster is NOT_FOUND and deletes nothing', async () => {
    await createCluster(dataproc, 'guarded')
    const request = { ...dataproc.at, clusterName: 'guarded' }
    await expect(
      dataproc.clusters.deleteCluster({ ...request, clusterUuid: randomUUID() }),
    ).rejects.toMatchObject({ code: status.NOT_FOUND })
    const cluster = await get('guarded')
    expect(statesOf(cluster)).toEqual(['CREATING', 'RUNNING'])
    const [operation] = await dataproc.clusters.deleteCluster({
      ...request,
      clusterUuid: cluster.clusterUuid ?? '',
    })
    await operation.promise()
  })

  test('of a cluster that is being deleted is FAILED_PRECONDITION, and with the same request id a replay', async () => {
    await createCluster(dataproc, 'twice')
    await dataproc.control('PUT', '/settings', { deleteMs: 300 })
    const request = { ...dataproc.at, clusterName: 'twice' }
    const requestId = randomUUID()
    const [first] = await dataproc.clusters.deleteCluster({ ...request, requestId })
    await expect(dataproc.clusters.deleteCluster(request)).rejects.toMatchObject({
      code: status.FAILED_PRECONDITION,
      message: expect.stringContaining('pending delete operations'),
    })
    const [again] = await dataproc.clusters.deleteCluster({ ...request, requestId })
    expect(again.name).toBe(first.name)
    await first.promise()
    const [after] = await dataproc.clusters.deleteCluster({ ...request, requestId })
    expect(after.name).toBe(first.name)
    await dataproc.control('PUT', '/settings', { deleteMs: 0 })
  })

  test('overtakes a creation, whose operation then ends without an error', async () => {
    await dataproc.control('PUT', '/settings', { bootMs: 60_000 })
    const [creation] = await dataproc.clusters.createCluster({
      ...dataproc.at,
      cluster: { clusterName: 'overtaken', config: {} },
    })
    const [deletion] = await dataproc.clusters.deleteCluster({ ...dataproc.at, clusterName: 'overtaken' })
    await deletion.promise()
    const [cluster] = await creation.promise()
    expect(cluster.status?.state).toBe(4)
    await dataproc.control('PUT', '/settings', { bootMs: 0 })
  })

  test('of a cluster that is not there is NOT_FOUND', async () => {
    await expect(
      dataproc.clusters.deleteCluster({ ...dataproc.at, clusterName: 'absent' }),
    ).rejects.toMatchObject({ code: status.NOT_FOUND })
  })
})
