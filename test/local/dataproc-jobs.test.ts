import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import {
  createCluster,
  type DataprocUnderTest,
  type Job,
  jobWhen,
  pysparkJob,
  startDataprocUnderTest,
  statesOf,
  status,
} from './dataproc-support.ts'

let dataproc: DataprocUnderTest
beforeAll(async () => {
  dataproc = await startDataprocUnderTest()
  await createCluster(dataproc, 'main')
})
beforeEach(() => dataproc.control('PUT', '/settings', { jobMode: 'instant', jobStartMs: 0, cancelMs: 0 }))
afterAll(() => dataproc.close())

/** Jobs that run for an hour unless somebody ends them. */
const longJobs = () => dataproc.control('PUT', '/settings', { jobMode: 'stub', jobMs: 3_600_000 })
const submit = async (job: Job = {}, clusterName = 'main') =>
  (await dataproc.jobs.submitJob({ ...dataproc.at, job: pysparkJob(clusterName, job) }))[0]
const idOf = (job: Job) => job.reference?.jobId ?? ''
const running = (job: Job) => jobWhen(dataproc, idOf(job), ({ status }) => status?.state === 'RUNNING')
const over = (job: Job) => jobWhen(dataproc, idOf(job), ({ done }) => done === true)

describe('submitJob', () => {
  test('returns a PENDING job with its id, the UUID of its cluster and where its output will be', async () => {
    await dataproc.control('PUT', '/settings', { jobStartMs: 200 })
    const job = await submit()
    const [cluster] = await dataproc.clusters.getCluster({ ...dataproc.at, clusterName: 'main' })
    expect(job).toMatchObject({
      status: { state: 'PENDING' },
      done: false,
      reference: { projectId: dataproc.at.projectId },
      placement: { clusterName: 'main', clusterUuid: cluster.clusterUuid },
    })
    const folder = `gs://${cluster.config?.configBucket}/google-cloud-dataproc-metainfo/${cluster.clusterUuid}/jobs/${idOf(job)}/`
    expect(job.driverControlFilesUri).toBe(folder)
    expect(job.driverOutputResourceUri).toBe(`${folder}driveroutput`)
    const ended = await over(job)
    expect(statesOf(ended)).toEqual(['PENDING', 'SETUP_DONE', 'RUNNING', 'DONE'])
  })

  test('with a request id that was used before returns the first job', async () => {
    const request = { ...dataproc.at, requestId: randomUUID(), job: pysparkJob('main') }
    const [first] = await dataproc.jobs.submitJob(request)
    await over(first)
    const [second] = await dataproc.jobs.submitJob(request)
    expect(idOf(second)).toBe(idOf(first))
    expect(second.done).toBe(true)
  })

  test('with a job id that was used before is ALREADY_EXISTS, also when that job is over', async () => {
    const job = { reference: { jobId: 'chosen' } }
    await over(await submit(job))
    await expect(submit(job)).rejects.toMatchObject({ code: status.ALREADY_EXISTS })
  })

  test('to a cluster that is not there is NOT_FOUND', async () => {
    await expect(submit({}, 'absent')).rejects.toMatchObject({
      code: status.NOT_FOUND,
      message: expect.stringContaining('clusters/absent'),
    })
  })

  test('to a cluster that is being created or is in ERROR is FAILED_PRECONDITION', async () => {
    await dataproc.control('PUT', '/settings', { bootMs: 60_000 })
    await dataproc.clusters.createCluster({ ...dataproc.at, cluster: { clusterName: 'young', config: {} } })
    await dataproc.control('PUT', '/settings', { bootMs: 0 })
    await expect(submit({}, 'young')).rejects.toMatchObject({ code: status.FAILED_PRECONDITION })
    await dataproc.control('POST', '/clusters/young/fail')
    await expect(submit({}, 'young')).rejects.toMatchObject({ code: status.FAILED_PRECONDITION })
  })

  test.each<[string, Job]>([
    ['no cluster', { placement: { clusterName: '' } }],
    ['a job id with spaces', { reference: { jobId: 'a b' } }],
    ['a job id of 101 characters', { reference: { jobId: 'x'.repeat(101) } }],
    ['another project', { reference: { projectId: 'another' } }],
    ['a bad label', { labels: { Upper: 'x' } }],
    ['a main file that is not Python', { pysparkJob: { mainPythonFileUri: 'gs://scripts/job.jar' } }],
    ['no main file', { pysparkJob: {} }],
    ['no kind of job', { pysparkJob: null }],
    ['too many failures an hour', { scheduling: { maxFailuresPerHour: 11 } }],
  ])('refuses %s with INVALID_ARGUMENT', async (_, job) => {
    await expect(submit(job)).rejects.toMatchObject({ code: status.INVALID_ARGUMENT })
  })

  test('of another kind of job says that it is not supported', async () => {
    const job = { placement: { clusterName: 'main' }, hiveJob: { queryFileUri: 'gs://b/q.sql' } }
    await expect(dataproc.jobs.submitJob({ ...dataproc.at, job })).rejects.toMatchObject({
      code: status.UNIMPLEMENTED,
    })
  })
})

test('submitJobAsOperation returns an operation with the job as its response and JobMetadata', async () => {
  const [operation] = await dataproc.jobs.submitJobAsOperation({ ...dataproc.at, job: pysparkJob('main') })
  const [job, metadata] = await operation.promise()
  expect(job).toMatchObject({ done: true, status: { state: 5 } })
  expect(metadata).toMatchObject({ jobId: idOf(job), operationType: 'SUBMIT', status: { state: 5 } })
})

describe('cancelJob', () => {
  test('of a running job goes through CANCEL_PENDING and CANCEL_STARTED to CANCELLED', async () => {
    await longJobs()
    const job = await running(await submit())
    const [answer] = await dataproc.jobs.cancelJob({ ...dataproc.at, jobId: idOf(job) })
    expect(answer.status?.state).toBe('CANCEL_PENDING')
    const states = statesOf(await over(job))
    expect(states.slice(2)).toEqual(['RUNNING', 'CANCEL_PENDING', 'CANCEL_STARTED', 'CANCELLED'])
  })

  test('of a pending job ends it before it runs', async () => {
    await dataproc.control('PUT', '/settings', { jobStartMs: 60_000 })
    const job = await submit()
    await dataproc.jobs.cancelJob({ ...dataproc.at, jobId: idOf(job) })
    expect(statesOf(await over(job))).not.toContain('RUNNING')
  })

  test('of a job that is over is FAILED_PRECONDITION and changes nothing', async () => {
    const job = await over(await submit())
    await expect(dataproc.jobs.cancelJob({ ...dataproc.at, jobId: idOf(job) })).rejects.toMatchObject({
      code: status.FAILED_PRECONDITION,
      message: expect.stringContaining("in state: 'DONE'; cancellable states: '[PENDING, RUNNING]'"),
    })
    expect((await over(job)).status?.state).toBe('DONE')
  })

  test('of a job that is not there is NOT_FOUND', async () => {
    await expect(dataproc.jobs.cancelJob({ ...dataproc.at, jobId: 'absent' })).rejects.toMatchObject({
      code: status.NOT_FOUND,
    })
  })
})

describe('listJobs', () => {
  test('is newest first, by cluster, state and label, and in pages', async () => {
    await createCluster(dataproc, 'listed')
    const first = await over(await submit({ labels: { env: 'staging' } }, 'listed'))
    const second = await over(await submit({ labels: { env: 'live' } }, 'listed'))
    await longJobs()
    const third = await running(await submit({ labels: { env: 'live' } }, 'listed'))
    const list = async (request: object) =>
      (await dataproc.jobs.listJobs({ ...dataproc.at, clusterName: 'listed', ...request }))[0].map(idOf)
    const [a, b, c] = [idOf(first), idOf(second), idOf(third)]
    expect(await list({})).toEqual([c, b, a])
    expect(await list({ jobStateMatcher: 'ACTIVE' })).toEqual([c])
    expect(await list({ jobStateMatcher: 'NON_ACTIVE' })).toEqual([b, a])
    expect(await list({ filter: 'status.state = ACTIVE' })).toEqual([c])
    expect(await list({ filter: 'labels.env = live AND status.state = NON_ACTIVE' })).toEqual([b])
    expect(await list({ filter: 'labels.env' })).toEqual([c, b, a])
    expect(await list({ pageSize: 1 })).toEqual([c, b, a])
    await expect(list({ filter: 'owner = me' })).rejects.toMatchObject({ code: status.INVALID_ARGUMENT })
  })
})

test('updateJob changes labels and nothing else', async () => {
  const job = await over(await submit({ labels: { env: 'staging' } }))
  const request = { ...dataproc.at, jobId: idOf(job), job: { labels: { env: 'live' } } }
  const [updated] = await dataproc.jobs.updateJob({ ...request, updateMask: { paths: ['labels'] } })
  expect(updated.labels).toEqual({ env: 'live' })
  await expect(
    dataproc.jobs.updateJob({ ...request, updateMask: { paths: ['placement'] } }),
  ).rejects.toMatchObject({ code: status.INVALID_ARGUMENT })
})

test('deleteJob removes a job that is over, frees its id, and refuses one that runs', async () => {
  await longJobs()
  const job = await running(await submit({ reference: { jobId: 'removed' } }))
  const request = { ...dataproc.at, jobId: idOf(job) }
  await expect(dataproc.jobs.deleteJob(request)).rejects.toMatchObject({ code: status.FAILED_PRECONDITION })
  await dataproc.jobs.cancelJob(request)
  await over(job)
  await dataproc.jobs.deleteJob(request)
  await expect(dataproc.jobs.getJob(request)).rejects.toMatchObject({ code: status.NOT_FOUND })
  expect(idOf(await submit({ reference: { jobId: 'removed' } }))).toBe('removed')
})

test('a deleted cluster ends its jobs in ERROR, and they stay readable', async () => {
  await createCluster(dataproc, 'short')
  await longJobs()
  const job = await running(await submit({}, 'short'))
  const [operation] = await dataproc.clusters.deleteCluster({ ...dataproc.at, clusterName: 'short' })
  await operation.promise()
  expect((await over(job)).status).toMatchObject({
    state: 'ERROR',
    details: expect.stringContaining('clusters/short'),
  })
})
