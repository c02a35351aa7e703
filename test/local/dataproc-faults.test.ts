import { randomUUID } from 'node:crypto'
import { v1 } from '@google-cloud/dataproc'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import {
  createCluster,
  type DataprocUnderTest,
  jobWhen,
  pysparkJob,
  startDataprocUnderTest,
  statesOf,
  status,
} from './dataproc-support.ts'

let dataproc: DataprocUnderTest
beforeAll(async () => {
  dataproc = await startDataprocUnderTest()
})
beforeEach(async () => {
  const { control } = dataproc
  await Promise.all([
    control('DELETE', '/faults'),
    control('DELETE', '/cluster-faults'),
    control('DELETE', '/calls'),
  ])
  await control('PUT', '/settings', { bootMs: 0, jobMode: 'instant', runningLagMs: 0 })
  await control('PUT', '/quotas', { enabled: false })
})
afterAll(() => dataproc.close())

const get = async (clusterName: string) =>
  (await dataproc.clusters.getCluster({ ...dataproc.at, clusterName }))[0]
const inZone = (zone: string) => ({ config: { gceClusterConfig: { zoneUri: zone } } })
const calls = async () => (await dataproc.control('GET', '/calls')) as Record<string, number>
/** The client retries some codes by itself; these calls must show what came back the first time. */
const once = { retry: { retryCodes: [] } }

describe('a creation', () => {
  test('in a zone that is out of stock ends in an error, and the cluster stays in ERROR until it is deleted', async () => {
    await dataproc.control('POST', '/cluster-faults', { kind: 'stockout', zone: 'us-central1-a', times: 5 })
    await expect(createCluster(dataproc, 'nostock', inZone('us-central1-a'))).rejects.toMatchObject({
      code: status.UNAVAILABLE,
      message: expect.stringMatching(/zones\/us-central1-a' does not have enough resources available/),
    })
    const cluster = await get('nostock')
    expect(statesOf(cluster)).toEqual(['CREATING', 'ERROR'])
    expect(cluster.status?.detail).toContain('ZONE_RESOURCE_POOL_EXHAUSTED')
    await expect(createCluster(dataproc, 'nostock', inZone('us-central1-b'))).rejects.toMatchObject({
      code: status.ALREADY_EXISTS,
    })
    const [operation] = await dataproc.clusters.deleteCluster({ ...dataproc.at, clusterName: 'nostock' })
    await operation.promise()
    const elsewhere = await createCluster(dataproc, 'nostock', inZone('us-central1-b'))
    expect(elsewhere.config?.gceClusterConfig?.zoneUri).toMatch(/us-central1-b$/)
  })

  test('without a zone avoids those that are out of stock', async () => {
    await dataproc.control('POST', '/cluster-faults', { kind: 'stockout', zone: 'us-central1-a' })
    const cluster = await createCluster(dataproc, 'placed')
    expect(cluster.config?.gceClusterConfig?.zoneUri).toMatch(/us-central1-b$/)
  })

  test('without quota is refused at once, and no cluster is left', async () => {
    await dataproc.control('POST', '/cluster-faults', { kind: 'quota' })
    await expect(createCluster(dataproc, 'noquota')).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
      message: expect.stringContaining("Insufficient 'CPUS' quota. Requested 12.0, available 0.0."),
    })
    await expect(get('noquota')).rejects.toMatchObject({ code: status.NOT_FOUND })
  })

  test('whose machines do not come up ends in ERROR with their names', async () => {
    await dataproc.control('POST', '/cluster-faults', { kind: 'boot-failure' })
    await expect(createCluster(dataproc, 'noboot')).rejects.toMatchObject({
      message: expect.stringContaining('Worker noboot-w-0 unable to register with master'),
    })
  })

  test('can be done while the cluster is not RUNNING yet', async () => {
    await dataproc.control('PUT', '/settings', { runningLagMs: 60_000 })
    await createCluster(dataproc, 'lagging')
    expect(statesOf(await get('lagging'))).toEqual(['CREATING'])
    await dataproc.control('POST', '/clock/advance', { ms: 60_000 })
    expect(statesOf(await get('lagging'))).toEqual(['CREATING', 'RUNNING'])
  })
})

test('a deletion can fail, and the cluster is in ERROR and can be deleted again', async () => {
  await createCluster(dataproc, 'sticky')
  await dataproc.control('POST', '/cluster-faults', { kind: 'delete-failure' })
  const [failing] = await dataproc.clusters.deleteCluster({ ...dataproc.at, clusterName: 'sticky' })
  await expect(failing.promise()).rejects.toMatchObject({ code: status.INTERNAL })
  expect(statesOf(await get('sticky')).slice(-2)).toEqual(['DELETING', 'ERROR'])
  const [operation] = await dataproc.clusters.deleteCluster({ ...dataproc.at, clusterName: 'sticky' })
  await operation.promise()
})

describe('a cluster', () => {
  test('that fails while it is being created ends its creation in an error', async () => {
    await dataproc.control('PUT', '/settings', { bootMs: 60_000 })
    const [operation] = await dataproc.clusters.createCluster({
      ...dataproc.at,
      cluster: { clusterName: 'crashing', config: {} },
    })
    await dataproc.control('POST', '/clusters/crashing/fail', { message: 'Disk is full.' })
    await expect(operation.promise()).rejects.toMatchObject({
      code: status.INTERNAL,
      message: expect.stringContaining('Disk is full.'),
    })
    expect(statesOf(await get('crashing'))).toEqual(['CREATING', 'ERROR'])
  })

  test('that vanishes is NOT_FOUND, and so are its jobs', async () => {
    await createCluster(dataproc, 'vanishing')
    await dataproc.control('PUT', '/settings', { jobMode: 'stub', jobMs: 3_600_000 })
    const [job] = await dataproc.jobs.submitJob({ ...dataproc.at, job: pysparkJob('vanishing') })
    const jobId = job.reference?.jobId ?? ''
    await dataproc.control('POST', '/clusters/vanishing/vanish')
    await expect(get('vanishing')).rejects.toMatchObject({ code: status.NOT_FOUND })
    await expect(dataproc.jobs.getJob({ ...dataproc.at, jobId })).rejects.toMatchObject({
      code: status.NOT_FOUND,
    })
  })
})

describe('a job', () => {
  test.each([
    ['fail', 'ERROR'],
    ['cancel-outside', 'CANCELLED'],
  ])('can be ended from outside by %s', async (action, state) => {
    const clusterName = `outside-${action}`
    await createCluster(dataproc, clusterName)
    await dataproc.control('PUT', '/settings', { jobMode: 'stub', jobMs: 3_600_000 })
    const [job] = await dataproc.jobs.submitJob({ ...dataproc.at, job: pysparkJob(clusterName) })
    const jobId = job.reference?.jobId ?? ''
    await jobWhen(dataproc, jobId, ({ status }) => status?.state === 'RUNNING')
    await dataproc.control('POST', `/jobs/${jobId}/${action}`)
    const ended = await jobWhen(dataproc, jobId, ({ done }) => done === true)
    expect(ended.status?.state).toBe(state)
  })

  test('can be made to fail with a message, which its details carry', async () => {
    await createCluster(dataproc, 'failing')
    await dataproc.control('POST', '/job-faults', { kind: 'error', message: 'OutOfMemoryError: heap' })
    await dataproc.control('PUT', '/settings', { jobMode: 'stub', jobMs: 3_600_000 })
    const [job] = await dataproc.jobs.submitJob({ ...dataproc.at, job: pysparkJob('failing') })
    const ended = await jobWhen(dataproc, job.reference?.jobId ?? '', ({ done }) => done === true)
    expect(ended.status?.details).toMatch(
      /^Job failed with message \[OutOfMemoryError: heap\]\. Additional details/,
    )
    expect(ended.status?.details).toContain(`${job.driverOutputResourceUri}.*`)
  })
})

describe('an injected fault', () => {
  const request = (clusterName: string, requestId: string = randomUUID()) => ({
    ...dataproc.at,
    requestId,
    cluster: { clusterName, config: {} },
  })

  test('before the effect leaves nothing behind', async () => {
    await dataproc.control('POST', '/faults', {
      on: 'CreateCluster',
      kind: 'error',
      code: 'PERMISSION_DENIED',
    })
    await expect(dataproc.clusters.createCluster(request('denied'))).rejects.toMatchObject({
      code: status.PERMISSION_DENIED,
    })
    await expect(get('denied')).rejects.toMatchObject({ code: status.NOT_FOUND })
    await createCluster(dataproc, 'denied')
  })

  test.each(['error', 'drop'])(
    'after the effect (%s) loses the answer, and the same request id finds it',
    async (kind) => {
      const client = new v1.ClusterControllerClient(dataproc.clientOptions)
      const clusterName = `lost-${kind}`
      await dataproc.control('POST', '/faults', {
        on: 'CreateCluster',
        kind,
        when: 'after',
        match: clusterName,
      })
      const requestId = randomUUID()
      await expect(client.createCluster(request(clusterName, requestId), once)).rejects.toMatchObject({
        code: status.UNAVAILABLE,
      })
      const { clusterUuid } = await get(clusterName)
      const [operation] = await client.createCluster(request(clusterName, requestId), once)
      const [cluster] = await operation.promise()
      expect(cluster.clusterUuid).toBe(clusterUuid)
      await client.close()
    },
  )

  test('drop before the effect is a lost connection, and the next call connects again', async () => {
    const client = new v1.ClusterControllerClient(dataproc.clientOptions)
    await dataproc.control('POST', '/faults', { on: 'CreateCluster', kind: 'drop' })
    await expect(client.createCluster(request('redialled'), once)).rejects.toMatchObject({
      code: status.UNAVAILABLE,
    })
    await expect(get('redialled')).rejects.toMatchObject({ code: status.NOT_FOUND })
    const [operation] = await client.createCluster(request('redialled'), once)
    await operation.promise()
    await client.close()
  })

  test("is met by the client's own retries where it has them", async () => {
    await createCluster(dataproc, 'retried')
    await dataproc.control('DELETE', '/calls')
    await dataproc.control('POST', '/faults', { on: 'GetCluster', kind: 'error', code: 14, times: 2 })
    expect((await get('retried')).clusterName).toBe('retried')
    expect(await calls()).toMatchObject({ GetCluster: 3 })
  })

  test('skips, strikes as often as told, and is logged', async () => {
    await createCluster(dataproc, 'counted')
    await dataproc.control('POST', '/faults', { on: 'GetCluster', kind: 'error', code: 'INTERNAL', skip: 1 })
    const ask = () => dataproc.clusters.getCluster({ ...dataproc.at, clusterName: 'counted' }, once)
    await ask()
    await expect(ask()).rejects.toMatchObject({ code: status.INTERNAL })
    await ask()
    expect(await dataproc.control('GET', '/faults')).toMatchObject([{ on: 'GetCluster', hits: 1 }])
    const landed = (await dataproc.control('GET', '/faults/landed')) as object[]
    expect(landed.at(-1)).toMatchObject({ call: 'GetCluster', kind: 'error', when: 'before' })
  })

  test.each([{ tmies: 2 }, { code: 'NO_SUCH_CODE' }])(
    'that is misspelt (%j) is refused',
    async (misspelt) => {
      await expect(
        dataproc.control('POST', '/faults', { on: 'GetCluster', kind: 'error', ...misspelt }),
      ).rejects.toThrow(/400/)
    },
  )
})

test('quotas, once asked for, are kept by the minute', async () => {
  await dataproc.control('PUT', '/quotas', { enabled: true, limits: { otherRequests: 3 } })
  await createCluster(dataproc, 'rationed')
  const ask = () => dataproc.clusters.listClusters(dataproc.at, once)
  // The start of a minute, so that the calls fall into one.
  const { now } = (await dataproc.control('GET', '/clock')) as { now: string }
  await dataproc.control('POST', '/clock/advance', { ms: 60_000 - (Date.parse(now) % 60_000) })
  for (let i = 0; i < 3; i++) await ask()
  await expect(ask()).rejects.toMatchObject({ code: status.RESOURCE_EXHAUSTED })
  await dataproc.control('POST', '/clock/advance', { ms: 60_000 })
  await ask()
})
