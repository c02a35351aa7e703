import { randomUUID } from 'node:crypto'
import { protos } from '@google-cloud/dataproc'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { createCluster, type DataprocUnderTest, startDataprocUnderTest, status } from './dataproc-support.ts'

const { longrunning } = protos.google

let dataproc: DataprocUnderTest
beforeAll(async () => {
  dataproc = await startDataprocUnderTest()
  await createCluster(dataproc, 'alpha', { labels: { env: 'staging', run: 'one' } })
  await createCluster(dataproc, 'beta', { labels: { env: 'staging' } })
  await createCluster(dataproc, 'gamma', { labels: { env: 'live' } })
  await dataproc.control('POST', '/clusters/gamma/fail')
})
afterAll(() => dataproc.close())

async function names(filter: string): Promise<(string | null | undefined)[]> {
  const [clusters] = await dataproc.clusters.listClusters({ ...dataproc.at, filter })
  return clusters.map(({ clusterName }) => clusterName)
}

describe('listClusters', () => {
  test.each<[string, string[]]>([
    ['', ['alpha', 'beta', 'gamma']],
    ['status.state = ACTIVE', ['alpha', 'beta']],
    ['status.state = INACTIVE', ['gamma']],
    ['status.state=ERROR', ['gamma']],
    ['clusterName = beta', ['beta']],
    ['labels.env = staging AND labels.run = one', ['alpha']],
    ['labels.env = staging labels.run = *', ['alpha']],
    ['status.state = ACTIVE AND clusterName = gamma', []],
  ])('with the filter "%s" returns %j in alphabetical order', async (filter, expected) => {
    expect(await names(filter)).toEqual(expected)
  })

  test.each(['zone = a', 'clusterName =', 'status.state'])('refuses the filter "%s"', async (filter) => {
    await expect(names(filter)).rejects.toMatchObject({ code: status.INVALID_ARGUMENT })
  })

  test('pages, and the pages together are the list', async () => {
    const request = { ...dataproc.at, pageSize: 2 }
    const manual = { autoPaginate: false }
    const [first, , response] = await dataproc.clusters.listClusters(request, manual)
    expect(first.map(({ clusterName }) => clusterName)).toEqual(['alpha', 'beta'])
    const pageToken = response?.nextPageToken ?? ''
    const [second, , last] = await dataproc.clusters.listClusters({ ...request, pageToken }, manual)
    expect(second.map(({ clusterName }) => clusterName)).toEqual(['gamma'])
    expect(last?.nextPageToken).toBe('')
    const all: unknown[] = []
    for await (const cluster of dataproc.clusters.listClustersAsync(request)) all.push(cluster.clusterName)
    expect(all).toEqual(['alpha', 'beta', 'gamma'])
  })

  test('of another region is empty', async () => {
    const [clusters] = await dataproc.clusters.listClusters({ ...dataproc.at, region: 'europe-west1' })
    expect(clusters).toEqual([])
  })
})

describe('updateCluster', () => {
  const update = (cluster: object, paths: string[], clusterName = 'alpha') =>
    dataproc.clusters.updateCluster({ ...dataproc.at, clusterName, cluster, updateMask: { paths } })

  test('replaces the labels and keeps those of the service', async () => {
    const [operation] = await update({ labels: { env: 'changed' } }, ['labels'])
    const [cluster, metadata] = await operation.promise()
    expect(metadata).toMatchObject({ operationType: 'UPDATE' })
    expect(cluster.labels).toMatchObject({ env: 'changed', 'goog-dataproc-cluster-name': 'alpha' })
    expect(cluster.labels).not.toHaveProperty('run')
    expect(cluster.statusHistory?.map(({ state }) => state)).toEqual([1, 2, 5])
  })

  test('changes the number of workers', async () => {
    const config = { workerConfig: { numInstances: 5 } }
    const [operation] = await update({ config }, ['config.worker_config.num_instances'])
    const [cluster] = await operation.promise()
    expect(cluster.config?.workerConfig?.numInstances).toBe(5)
    expect(cluster.config?.workerConfig?.instanceNames).toHaveLength(5)
  })

  test.each<[string, object, string[]]>([
    ['a field that cannot change', { config: {} }, ['config.software_config.image_version']],
    ['no field', { labels: {} }, []],
    [
      'a single worker',
      { config: { workerConfig: { numInstances: 1 } } },
      ['config.worker_config.num_instances'],
    ],
    ['a bad label', { labels: { Bad: 'x' } }, ['labels']],
  ])('refuses %s with INVALID_ARGUMENT', async (_, cluster, paths) => {
    await expect(update(cluster, paths)).rejects.toMatchObject({ code: status.INVALID_ARGUMENT })
  })

  test('of a cluster that is not RUNNING is FAILED_PRECONDITION', async () => {
    await expect(update({ labels: {} }, ['labels'], 'gamma')).rejects.toMatchObject({
      code: status.FAILED_PRECONDITION,
    })
  })
})

test('diagnoseCluster of a cluster in ERROR returns where the report lies in storage', async () => {
  const [operation] = await dataproc.clusters.diagnoseCluster({ ...dataproc.at, clusterName: 'gamma' })
  await operation.promise()
  // The client's types promise an Empty; the documented response is in the operation itself.
  const packed = operation.latestResponse.response?.value
  const results = protos.google.cloud.dataproc.v1.DiagnoseClusterResults.decode(packed as Uint8Array)
  expect(results.outputUri).toMatch(/^gs:\/\/dataproc-staging-.*diagnostic/)
  const [, bucket, name] = /^gs:\/\/([^/]+)\/(.+)$/.exec(results.outputUri) ?? []
  const object = `${dataproc.storageEndpoint}/storage/v1/b/${bucket}/o/${encodeURIComponent(name ?? '')}?alt=media`
  expect(await (await fetch(object)).text()).toContain('gamma')
})

describe('operations', () => {
  const operations = () => dataproc.clusters.operationsClient

  test('are found by name, and the client makes a waiting one of them', async () => {
    const [operation] = await dataproc.clusters.createCluster({
      ...dataproc.at,
      cluster: { clusterName: 'resumed', config: {} },
    })
    const again = await dataproc.clusters.checkCreateClusterProgress(operation.name ?? '')
    const [cluster] = await again.promise()
    expect((cluster as { clusterName?: string }).clusterName).toBe('resumed')
  })

  test('are listed newest first, by cluster and type', async () => {
    const found: (string | null | undefined)[] = []
    const filter = 'clusterName = alpha AND operationType = CREATE'
    const request = new longrunning.ListOperationsRequest({ name: `${dataproc.parent}/operations`, filter })
    for await (const operation of operations().listOperationsAsync(request)) {
      found.push((operation as { name?: string }).name)
    }
    expect(found).toHaveLength(1)
  })

  test('that are not there are NOT_FOUND', async () => {
    const request = new longrunning.GetOperationRequest({
      name: `${dataproc.parent}/operations/${randomUUID()}`,
    })
    await expect(operations().getOperation(request)).rejects.toMatchObject({ code: status.NOT_FOUND })
  })

  test('can be waited for, cancelled while they run, and deleted when they are done', async () => {
    await dataproc.control('PUT', '/settings', { bootMs: 60_000 })
    const [operation] = await dataproc.clusters.createCluster({
      ...dataproc.at,
      cluster: { clusterName: 'cancelled', config: {} },
    })
    await dataproc.control('PUT', '/settings', { bootMs: 0 })
    const name = operation.name ?? ''
    await expect(
      operations().deleteOperation(new longrunning.DeleteOperationRequest({ name })),
    ).rejects.toMatchObject({
      code: status.FAILED_PRECONDITION,
    })
    await operations().cancelOperation(new longrunning.CancelOperationRequest({ name }))
    await expect(operation.promise()).rejects.toMatchObject({ code: status.CANCELLED })
    await operations().deleteOperation(new longrunning.DeleteOperationRequest({ name }))
    await expect(
      operations().getOperation(new longrunning.GetOperationRequest({ name })),
    ).rejects.toMatchObject({ code: status.NOT_FOUND })
  })
})
