import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import {
  createCluster,
  type DataprocUnderTest,
  jobWhen,
  pysparkJob,
  startDataprocUnderTest,
  status,
  until,
} from './dataproc-support.ts'

interface Ledger {
  running: number
  totalSeconds: number
  clusters: {
    name: string
    deletedBy?: string
    seconds: number
    state: string
    metadata: Record<string, string>
  }[]
}

let dataproc: DataprocUnderTest
beforeAll(async () => {
  dataproc = await startDataprocUnderTest()
})
beforeEach(() => dataproc.control('PUT', '/settings', { jobMode: 'instant', jobMs: 0, bootMs: 0 }))
afterAll(() => dataproc.close())

const MINUTE = 60_000
const advance = (ms: number) => dataproc.control('POST', '/clock/advance', { ms })
const ledger = async () => (await dataproc.control('GET', '/ledger')) as Ledger
const line = async (name: string) => (await ledger()).clusters.find((cluster) => cluster.name === name)
const lifecycle = (lifecycleConfig: object) => ({ config: { lifecycleConfig } })

async function exists(clusterName: string): Promise<boolean> {
  try {
    await dataproc.clusters.getCluster({ ...dataproc.at, clusterName })
    return true
  } catch (error) {
    expect(error).toMatchObject({ code: status.NOT_FOUND })
    return false
  }
}

const gone = (name: string) =>
  until(
    () => exists(name),
    (there) => !there,
  )

describe('idleDeleteTtl', () => {
  const idleFor5Minutes = lifecycle({ idleDeleteTtl: { seconds: 300 } })

  test('deletes a cluster that has been idle since it was RUNNING', async () => {
    await createCluster(dataproc, 'idle', idleFor5Minutes)
    await advance(5 * MINUTE - 5000)
    expect(await exists('idle')).toBe(true)
    await advance(6000)
    await gone('idle')
    expect(await line('idle')).toMatchObject({ deletedBy: 'idleDeleteTtl', state: 'GONE' })
  })

  test('counts from the end of the last job, and never while one runs', async () => {
    await dataproc.control('PUT', '/settings', { jobMode: 'stub', jobMs: 30 * MINUTE })
    await createCluster(dataproc, 'busy', idleFor5Minutes)
    const [job] = await dataproc.jobs.submitJob({ ...dataproc.at, job: pysparkJob('busy') })
    const jobId = job.reference?.jobId ?? ''
    await jobWhen(dataproc, jobId, ({ status }) => status?.state === 'RUNNING')
    await advance(20 * MINUTE)
    expect(await exists('busy')).toBe(true)
    await advance(10 * MINUTE)
    await jobWhen(dataproc, jobId, ({ done }) => done === true)
    await advance(4 * MINUTE)
    expect(await exists('busy')).toBe(true)
    await advance(MINUTE + 1000)
    await gone('busy')
  })

  test('does not count while the cluster is being created', async () => {
    await dataproc.control('PUT', '/settings', { bootMs: 60 * MINUTE })
    await dataproc.clusters.createCluster({
      ...dataproc.at,
      cluster: { clusterName: 'booting', ...idleFor5Minutes },
    })
    await advance(59 * MINUTE)
    expect(await exists('booting')).toBe(true)
    await advance(7 * MINUTE)
    await gone('booting')
  })
})

describe('autoDelete', () => {
  test('deletes a cluster by its age, even while a job runs, and the job ends in ERROR', async () => {
    await dataproc.control('PUT', '/settings', { jobMode: 'stub', jobMs: 60 * MINUTE })
    await createCluster(dataproc, 'aged', lifecycle({ autoDeleteTtl: { seconds: 600 } }))
    const [job] = await dataproc.jobs.submitJob({ ...dataproc.at, job: pysparkJob('aged') })
    const jobId = job.reference?.jobId ?? ''
    await jobWhen(dataproc, jobId, ({ status }) => status?.state === 'RUNNING')
    await advance(10 * MINUTE)
    await gone('aged')
    expect(await line('aged')).toMatchObject({ deletedBy: 'autoDelete' })
    const ended = await jobWhen(dataproc, jobId, ({ done }) => done === true)
    expect(ended.status).toMatchObject({ state: 'ERROR', details: expect.stringContaining('deleted') })
  })

  test('deletes a cluster at a time', async () => {
    const { now } = (await dataproc.control('GET', '/clock')) as { now: string }
    const seconds = Math.floor(Date.parse(now) / 1000) + 1200
    await createCluster(dataproc, 'timed', lifecycle({ autoDeleteTime: { seconds } }))
    await advance(15 * MINUTE)
    expect(await exists('timed')).toBe(true)
    await advance(6 * MINUTE)
    await gone('timed')
  })

  test('deletes a cluster that is in ERROR', async () => {
    await createCluster(dataproc, 'broken', lifecycle({ autoDeleteTtl: { seconds: 600 } }))
    await dataproc.control('POST', '/clusters/broken/fail')
    await advance(10 * MINUTE)
    await gone('broken')
  })
})

test('the ledger tells what is running, what it cost and what its creator stored on it', async () => {
  const before = await ledger()
  await createCluster(dataproc, 'paid', {
    config: { gceClusterConfig: { metadata: { 'workflow-id': 'w 1' } } },
  })
  expect((await ledger()).running).toBe(before.running + 1)
  await advance(100_000)
  const [operation] = await dataproc.clusters.deleteCluster({ ...dataproc.at, clusterName: 'paid' })
  await operation.promise()
  const after = await ledger()
  expect(after.running).toBe(before.running)
  const paid = after.clusters.find(({ name }) => name === 'paid')
  expect(paid).toMatchObject({ metadata: { 'workflow-id': 'w 1' }, deletedBy: 'request', state: 'GONE' })
  expect(paid?.seconds).toBeGreaterThanOrEqual(100)
  expect(paid?.seconds).toBeLessThan(130)
  expect(after.totalSeconds).toBeGreaterThanOrEqual(before.totalSeconds + 100)
})
