import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Client } from '@temporalio/client'
import { TABLE_SCHEMA } from '../../activities/table-schema.ts'
import { connectTemporal, createBigQuery, createStorage } from '../../src/clients.ts'
import { loadSetupConfig } from '../../src/config.ts'
import type { SetupOutcome } from '../../src/setup/apply.ts'
import { reaperScheduleId } from '../../src/setup/reaper-schedule.ts'
import { readSparkScript } from '../../src/spark-script.ts'
import { SEARCH_ATTRIBUTES } from '../../workflows/contract.ts'
import { runCli } from '../cli/support/run-cli.ts'
import { Control } from '../support/control.ts'
import { startCloud, type TestCloud } from '../support/local-cloud.ts'
import { until } from '../support/until.ts'

const THINGS = 10

let cloud: TestCloud
let env: Record<string, string>
let temporal: Client
let storage: ReturnType<typeof createStorage>
let bigquery: ReturnType<typeof createBigQuery>

beforeAll(async () => {
  cloud = await startCloud({ services: ['storage', 'bigquery', 'temporal'] })
  // A project of one's own, in which nothing is there yet.
  env = {
    ...cloud.env,
    RAW_BUCKET: 'own-raw',
    PROCESSED_BUCKET: 'own-processed',
    STATE_BUCKET: 'own-state',
    BQ_OUTPUT_TABLE: 'own-project.Own.trips',
    BQ_LOCATION: 'EU',
    BATCH_FOLDERS: 'exports, nightly/',
    DEPLOYMENT: 'own',
    TEMPORAL_NAMESPACE: 'own',
  }
  const config = loadSetupConfig(env)
  storage = createStorage(config.google)
  bigquery = createBigQuery(config.google)
  temporal = await connectTemporal(config.temporal)
}, 60_000)
afterAll(async () => {
  await temporal?.connection.close()
  await cloud?.close()
})

const script = () => {
  const { sha256, fileName } = readSparkScript()
  return storage.bucket('own-state').file(`scripts/${sha256}/${fileName}`)
}
const setup = (...args: string[]) => runCli(['setup', ...args], env)
const states = async (...args: string[]): Promise<Record<string, string>> => {
  const { stdout, stderr } = await setup('--json', ...args)
  if (stderr !== '') throw new Error(stderr)
  const outcomes = JSON.parse(stdout) as SetupOutcome[]
  return Object.fromEntries(outcomes.map(({ thing, state }) => [thing, state]))
}

/** Calls since the last clear that change something in Google Cloud. */
async function changes(): Promise<string[]> {
  const controls = ['STORAGE_CONTROL_URL', 'BIGQUERY_CONTROL_URL'].map((name) => new Control(cloud.get(name)))
  const counts = await Promise.all(controls.map((control) => control.calls()))
  await Promise.all(controls.map((control) => control.clear()))
  const calls = counts.flatMap((count) => Object.keys(count))
  expect(calls).toEqual(expect.arrayContaining(['buckets.get', 'datasets.get']))
  return calls.filter((call) => !/\.(get|list)$/.test(call))
}

describe('average-speed setup', () => {
  test('with --dry-run says what it would do, and does nothing', async () => {
    const { code, stdout } = await setup('--dry-run')
    expect(stdout.trim().split('\n')).toHaveLength(THINGS)
    expect(stdout).toMatch(/^would create {2}bucket gs:\/\/own-raw {2}\(in EU, uniform access\)$/m)
    expect(stdout.match(/^would create/gm)).toHaveLength(THINGS)
    expect(code).toBe(0)
    expect(await changes()).toEqual([])
    await expect(storage.bucket('own-raw').exists()).resolves.toEqual([false])
  })

  test('makes everything that is missing', async () => {
    const { code, stdout } = await setup()
    expect(stdout.match(/^created {7}/gm)).toHaveLength(THINGS)
    expect(code).toBe(0)

    const [raw] = await storage.bucket('own-raw').getMetadata()
    expect(raw).toMatchObject({
      location: 'EU',
      iamConfiguration: { uniformBucketLevelAccess: { enabled: true } },
      labels: { state_bucket: 'own-state' },
    })
    const [state] = await storage.bucket('own-state').getMetadata()
    expect(state.iamConfiguration).toEqual({
      uniformBucketLevelAccess: { enabled: true },
      publicAccessPrevention: 'enforced',
    })
    expect((await storage.bucket('own-processed').getMetadata())[0].labels).toEqual(state.labels)
    expect(raw.lifecycle?.rule?.map(({ condition }) => condition.matchesPrefix)).toEqual([
      ['exports/rejected-', 'exports/transformed-'],
      ['nightly/rejected-', 'nightly/transformed-'],
    ])
    expect((await script().download())[0].equals(readSparkScript().content)).toBe(true)
    expect((await storage.bucket('own-raw').getFiles())[0]).toEqual([])

    const dataset = bigquery.dataset('Own', { projectId: 'own-project' })
    expect((await dataset.getMetadata())[0].location).toBe('EU')
    const [table] = await dataset.table('trips').getMetadata()
    expect(table.schema.fields.map(({ name }: { name: string }) => name)).toEqual(
      TABLE_SCHEMA.fields.map(({ name }) => name),
    )

    const { workflowService, operatorService } = temporal.connection
    const { config } = await workflowService.describeNamespace({ namespace: 'own' })
    expect(Number(config?.workflowExecutionRetentionTtl?.seconds)).toBe(30 * 86_400)
    const { customAttributes } = await operatorService.listSearchAttributes({ namespace: 'own' })
    expect(Object.keys(customAttributes ?? {})).toEqual(
      expect.arrayContaining(Object.keys(SEARCH_ATTRIBUTES)),
    )
    await temporal.schedule.getHandle(reaperScheduleId('own')).describe()
  })

  test('changes nothing the second time', async () => {
    await changes()
    const handle = temporal.schedule.getHandle(reaperScheduleId('own'))
    const before = await handle.describe()
    const { code, stdout } = await setup()
    expect(stdout.match(/^unchanged /gm)).toHaveLength(THINGS)
    expect(code).toBe(0)
    expect(await changes()).toEqual([])
    expect((await handle.describe()).info.lastUpdatedAt).toEqual(before.info.lastUpdatedAt)
  })

  test('brings up to date what has changed, and keeps the rules of others', async () => {
    const bucket = storage.bucket('own-raw')
    const other = { action: { type: 'Delete' as const }, condition: { age: 1, matchesPrefix: ['scratch/'] } }
    await bucket.addLifecycleRule(other, { append: true })
    await script().save('print("edited by hand")', { resumable: false })
    const schedule = temporal.schedule.getHandle(reaperScheduleId('own'))
    await schedule.update((previous) => ({
      ...previous,
      action: { ...previous.action, taskQueue: 'another-queue' },
    }))
    env['TEMPORARY_FILE_DAYS'] = '60'
    const found = await states()
    expect(Object.entries(found).filter(([, state]) => state !== 'unchanged')).toEqual([
      ['lifecycle of gs://own-raw', 'changed'],
      [expect.stringMatching(/^Spark script /), 'changed'],
      [`schedule ${reaperScheduleId('own')}`, 'changed'],
    ])
    const [metadata] = await bucket.getMetadata()
    expect(metadata.lifecycle?.rule).toHaveLength(3)
    expect(metadata.lifecycle?.rule).toContainEqual(other)
    expect((await schedule.describe()).action.taskQueue).toBe('average-speed-own')
    expect(new Set(Object.values(await states()))).toEqual(new Set(['unchanged']))
  })

  test('adds the columns that a table lacks, and leaves one with other types alone', async () => {
    const dataset = bigquery.dataset('Own', { projectId: 'own-project' })
    await dataset.createTable('older', { schema: 'vendor_id:STRING, note:STRING' })
    env['BQ_OUTPUT_TABLE'] = 'own-project.Own.older'
    expect(await states()).toMatchObject({ 'table own-project.Own.older': 'changed' })
    const [{ schema }] = await dataset.table('older').getMetadata()
    expect(schema.fields).toHaveLength(TABLE_SCHEMA.fields.length + 1)

    await dataset.createTable('other', { schema: 'vendor_id:INTEGER' })
    env['BQ_OUTPUT_TABLE'] = 'own-project.Own.other'
    const { code, stdout } = await setup()
    expect(stdout).toMatch(
      /^failed .*\n {2}The column vendor_id of own-project\.Own\.other is INTEGER, and runs write STRING\.\n {2}-> /m,
    )
    expect(code).toBe(1)
    env['BQ_OUTPUT_TABLE'] = 'own-project.Own.trips'
  })

  test('goes on with the other things when one is refused, and says what to do', async () => {
    const control = new Control(cloud.get('BIGQUERY_CONTROL_URL'))
    await control.addFault({
      on: 'datasets.get',
      kind: 'error',
      code: 403,
      reason: 'accessNotConfigured',
      message: 'BigQuery API has not been used in project 1 before or it is disabled.',
    })
    const { code, stdout } = await setup()
    await control.clear()
    expect(stdout).toContain('-> gcloud services enable bigquery.googleapis.com --project=local-project')
    expect(stdout.match(/^unchanged /gm)).toHaveLength(THINGS - 1)
    expect(code).toBe(1)
  })

  test('makes what is in Google Cloud while Temporal is away', async () => {
    const { code, stdout } = await runCli(['setup'], { ...env, TEMPORAL_ADDRESS: '127.0.0.1:1' })
    expect(stdout).toMatch(/^failed .*Temporal at 127\.0\.0\.1:1/m)
    expect(stdout).toMatch(/-> Start it, or correct TEMPORAL_ADDRESS/)
    expect(stdout.match(/^unchanged /gm)).toHaveLength(7)
    expect(code).toBe(1)
  })

  test('names every setting that is missing', async () => {
    const { code, stderr } = await runCli(['setup'], { TEMPORARY_FILE_DAYS: '0' })
    for (const name of [
      'GOOGLE_CLOUD_PROJECT',
      'RAW_BUCKET',
      'PROCESSED_BUCKET',
      'STATE_BUCKET',
      'BQ_OUTPUT_TABLE',
      'TEMPORARY_FILE_DAYS',
    ]) {
      expect(stderr).toContain(name)
    }
    expect(code).toBe(2)
  })
})

test('set-ups that run at the same time all end well, and what each made by itself is made once', async () => {
  const buckets = { RAW_BUCKET: 'four-raw', PROCESSED_BUCKET: 'four-processed', STATE_BUCKET: 'four-state' }
  const others = { ...env, ...buckets, DEPLOYMENT: 'four' }
  const four = { ...others, BQ_OUTPUT_TABLE: 'own-project.Four.trips' }
  const ends = await Promise.all([1, 2, 3, 4].map(() => runCli(['setup'], four)))
  for (const { code, stdout } of ends) {
    expect(stdout).not.toMatch(/^failed/m)
    expect(code).toBe(0)
  }
  expect(
    ends.flatMap(({ stdout }) => stdout.match(/^created +bucket gs:\/\/four-raw /gm) ?? []),
  ).toHaveLength(1)
})

test('what somebody else makes between the look and the making is unchanged, not failed', async () => {
  const control = new Control(cloud.get('BIGQUERY_CONTROL_URL'))
  await control.clear()
  await control.addFault({ on: 'datasets.insert', kind: 'latency', latencyMs: 3000, times: 1 })
  const running = runCli(['setup'], { ...env, BQ_OUTPUT_TABLE: 'own-project.Late.trips' })
  await until('set-up makes the dataset', async () => ((await control.calls())['datasets.insert'] ?? 0) > 0)
  await bigquery.createDataset('Late', { projectId: 'own-project', location: 'EU' })
  const { code, stdout } = await running
  await control.clear()
  expect(stdout).toMatch(/^unchanged +dataset own-project\.Late /m)
  expect(code).toBe(0)
})

test('a rule that somebody else sets at the same time is not overwritten', async () => {
  const bucket = storage.bucket('own-raw')
  const control = new Control(cloud.get('STORAGE_CONTROL_URL'))
  await control.clear()
  await control.addFault({ on: 'buckets.patch', kind: 'latency', latencyMs: 3000, times: 1 })
  const running = runCli(['setup'], { ...env, TEMPORARY_FILE_DAYS: '90' })
  await until('set-up has read the rules', async () => ((await control.calls())['buckets.patch'] ?? 0) > 0)
  await bucket.setMetadata({ labels: { by: 'somebody' } })
  const { code, stdout } = await running
  await control.clear()
  expect(stdout).toMatch(/^failed .*lifecycle of gs:\/\/own-raw/m)
  expect(code).toBe(1)
})
