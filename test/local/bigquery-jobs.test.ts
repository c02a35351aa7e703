import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import {
  type BigQueryUnderTest,
  bigqueryClient,
  DATASET,
  ended,
  putAll,
  schemaOf,
  startBigQueryUnderTest,
  startLoad,
} from './bigquery-support.ts'

let under: BigQueryUnderTest
let source: { readonly sourceUris: string[]; readonly schema: object }
beforeAll(async () => {
  under = await startBigQueryUnderTest()
  const uri = await putAll(under.storage, 'jobs', { 'a.csv': '1\n2\n' })
  source = { sourceUris: [`${uri}a.csv`], schema: schemaOf('i INTEGER') }
})
beforeEach(() => under.reset())
afterAll(() => under.close())

const rowsOf = async (table: string) => {
  const [metadata] = await under.bigquery.dataset(DATASET).table(table).getMetadata()
  return Number(metadata.numRows)
}

describe('a job', () => {
  test('is PENDING, then RUNNING, then DONE, with times and what it was asked', async () => {
    await under.set({ pendingMs: 150, loadMs: 150 })
    const job = await startLoad(under.bigquery, 'states', source, { jobId: 'states', location: 'US' })
    const states = new Set([job.metadata.status?.state])
    while (!states.has('DONE')) {
      const [{ status }] = await under.bigquery.job('states', { location: 'US' }).getMetadata()
      states.add(status.state)
    }
    expect([...states]).toEqual(['PENDING', 'RUNNING', 'DONE'])
    const [metadata] = await job.getMetadata()
    expect(metadata).toMatchObject({
      kind: 'bigquery#job',
      id: 'local-project:US.states',
      jobReference: { projectId: 'local-project', jobId: 'states', location: 'US' },
      configuration: { jobType: 'LOAD', load: source },
      user_email: expect.stringContaining('@'),
    })
    const { creationTime, startTime, endTime } = metadata.statistics
    expect(Number(startTime) - Number(creationTime)).toBeGreaterThanOrEqual(140)
    expect(Number(endTime) - Number(startTime)).toBeGreaterThanOrEqual(140)
  })

  test("keeps its labels, and its id is never another job's, even after it failed", async () => {
    const load = { sourceUris: ['gs://local-project-raw/none'], schema: schemaOf('i INTEGER') }
    const table = { projectId: 'local-project', datasetId: DATASET, tableId: 'ids' }
    const configuration = {
      load: { ...load, destinationTable: table },
      labels: { pipeline: 'average-speed' },
    }
    const [job] = await under.bigquery.createJob({ jobId: 'burnt', configuration })
    expect((await ended(job)).configuration?.labels).toEqual({ pipeline: 'average-speed' })
    await expect(startLoad(under.bigquery, 'ids', source, { jobId: 'burnt' })).rejects.toMatchObject({
      code: 409,
      message: 'Already Exists: Job local-project:US.burnt',
      errors: [{ reason: 'duplicate' }],
    })
  })

  test('of one id that is asked for many times at once runs once', async () => {
    const asked = await Promise.allSettled(
      Array.from({ length: 10 }, () => startLoad(under.bigquery, 'race', source, { jobId: 'race' })),
    )
    expect(asked.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    await ended(under.bigquery.job('race'))
    expect(await rowsOf('race')).toBe(2)
  })

  test('that does not exist, here or in that location, is not found', async () => {
    await expect(under.bigquery.job('nothing').getMetadata()).rejects.toMatchObject({
      code: 404,
      message: 'Not found: Job local-project:nothing',
    })
    await startLoad(under.bigquery, 'here', source, { jobId: 'here' })
    await expect(under.bigquery.job('here', { location: 'EU' }).getMetadata()).rejects.toMatchObject({
      code: 404,
      message: 'Not found: Job local-project:EU.here',
    })
    await expect(startLoad(under.bigquery, 'here', source, { jobId: 'not allowed' })).rejects.toMatchObject({
      code: 400,
    })
  })

  test('that is cancelled in time ends as stopped and leaves nothing; later the cancel does nothing', async () => {
    await under.set({ loadMs: 60_000 })
    const job = await startLoad(under.bigquery, 'cancelled', source)
    await job.cancel()
    const { status } = await ended(job)
    expect(status?.errorResult).toMatchObject({
      reason: 'stopped',
      message: expect.stringContaining('cancelled'),
    })
    await expect(under.bigquery.dataset(DATASET).table('cancelled').exists()).resolves.toEqual([false])
    await under.reset()
    const late = await startLoad(under.bigquery, 'late', source)
    await ended(late)
    const [{ job: untouched }] = await late.cancel()
    expect(untouched?.status).toEqual({ state: 'DONE' })
    expect(await rowsOf('late')).toBe(2)
  })

  test('can be forgotten when it is done', async () => {
    const job = await startLoad(under.bigquery, 'forgotten', source)
    await ended(job)
    await job.delete()
    await expect(job.getMetadata()).rejects.toMatchObject({ code: 404 })
  })

  test('fails on demand with any reason', async () => {
    await under.control.post('/job-faults', { type: 'load', reason: 'backendError', message: 'Try again.' })
    const failed = await ended(await startLoad(under.bigquery, 'demand', source))
    expect(failed.status).toMatchObject({ errorResult: { reason: 'backendError', message: 'Try again.' } })
    expect(
      (await ended(await startLoad(under.bigquery, 'demand', source))).status?.errorResult,
    ).toBeUndefined()
  })
})

test('a setting that is changed leaves the others as they are', async () => {
  await under.set({ extractRowsPerFile: 7 })
  await under.set({ loadMs: 1 })
  const settings = await fetch(`${under.env['BIGQUERY_CONTROL_URL']}/settings`)
  expect(await settings.json()).toMatchObject({ extractRowsPerFile: 7, loadMs: 1, queryMs: 0 })
})

describe('the list of jobs', () => {
  test('is newest first, by page, state and time', async () => {
    const before = Date.now()
    const jobs = []
    for (const name of ['one', 'two', 'three']) {
      const job = await startLoad(under.bigquery, 'listed', source, { jobId: `${name}-${randomUUID()}` })
      await ended(job)
      jobs.unshift(job.id)
    }
    const minCreationTime = String(before)
    const [listed] = await under.bigquery.getJobs({ minCreationTime, stateFilter: ['done'] })
    expect(listed.map(({ id }) => id)).toEqual(jobs)
    const [page, next] = await under.bigquery.getJobs({ minCreationTime, maxResults: 2, autoPaginate: false })
    expect(page.map(({ id }) => id)).toEqual(jobs.slice(0, 2))
    const [rest] = await under.bigquery.getJobs({ ...next, autoPaginate: false })
    expect(rest.map(({ id }) => id)).toEqual(jobs.slice(2))
    const [none] = await under.bigquery.getJobs({ minCreationTime, stateFilter: ['running'] })
    expect(none).toEqual([])
    const [full] = await under.bigquery.getJobs({ minCreationTime, projection: 'full', maxResults: 1 })
    expect(full[0]?.metadata).toMatchObject({
      configuration: { jobType: 'LOAD', load: source },
      state: 'DONE',
    })
  })
})

describe('faults', () => {
  test('before a call come in the shape and with the reason that was asked for', async () => {
    await under.control.addFault({
      on: 'jobs.insert',
      kind: 'error',
      code: 403,
      reason: 'accessDenied',
      message: 'Access Denied: no.',
    })
    await expect(startLoad(under.bigquery, 'denied', source)).rejects.toMatchObject({
      code: 403,
      message: 'Access Denied: no.',
      errors: [{ reason: 'accessDenied', domain: 'global' }],
    })
    await expect(under.bigquery.dataset(DATASET).table('denied').exists()).resolves.toEqual([false])
  })

  test('after a call leave its effect: a reply that is lost is found by the id', async () => {
    const client = bigqueryClient(under.endpoint, { autoRetry: false })
    await under.control.addFault({ on: 'jobs.insert', match: 'lost-reply', when: 'after', kind: 'drop' })
    await expect(startLoad(client, 'lost', source, { jobId: 'lost-reply' })).rejects.toThrow()
    await expect(startLoad(client, 'lost', source, { jobId: 'lost-reply' })).rejects.toMatchObject({
      code: 409,
    })
    expect((await ended(client.job('lost-reply'))).statistics?.load?.outputRows).toBe('2')
    expect(await rowsOf('lost')).toBe(2)
  })

  test("are outlived by the client's own retries, and every call is counted", async () => {
    await under.control.addFault({ on: 'jobs.get', kind: 'error', code: 503, times: 2 })
    const job = await startLoad(under.bigquery, 'retried', source)
    expect((await job.getMetadata())[0]).toMatchObject({ jobReference: { jobId: job.id } })
    expect(await under.control.calls()).toMatchObject({ 'jobs.insert': 1, 'jobs.get': 3 })
  })

  test('reach tables, datasets, queries and rows by name', async () => {
    const { bigquery, control } = under
    const calls: readonly (readonly [string, () => Promise<unknown>])[] = [
      ['datasets.get', () => bigquery.dataset(DATASET).getMetadata()],
      ['tables.list', () => bigquery.dataset(DATASET).getTables()],
      ['jobs.query', () => bigquery.query('SELECT 1')],
      ['jobs.list', () => bigquery.getJobs()],
      ['tabledata.list', () => bigquery.dataset('yellow', { projectId: 'nyc-tlc' }).table('trips').getRows()],
    ]
    for (const [on, call] of calls) {
      await control.addFault({ on, kind: 'error', code: 403, reason: 'quotaExceeded' })
      await expect(call()).rejects.toMatchObject({ code: 403, errors: [{ reason: 'quotaExceeded' }] })
    }
  })
})

test('what the stand-in does not have is refused by name', async () => {
  const response = await fetch(`${under.endpoint}/bigquery/v2/projects/p/datasets/d/models`)
  expect(response.status).toBe(404)
  expect(await response.json()).toMatchObject({
    error: { code: 404, message: expect.stringContaining('/models') },
  })
})
