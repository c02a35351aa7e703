import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'
import { createStorage } from '../../src/clients.ts'
import { loadSetupConfig } from '../../src/config.ts'
import { Control } from '../support/control.ts'
import { startCloud, type TestCloud } from '../support/local-cloud.ts'
import { runCli } from './support/run-cli.ts'

let cloud: TestCloud
let bigquery: Control
let storage: ReturnType<typeof createStorage>

beforeAll(async () => {
  cloud = await startCloud({ services: ['storage', 'bigquery'] })
  bigquery = new Control(cloud.get('BIGQUERY_CONTROL_URL'))
  storage = createStorage(loadSetupConfig(cloud.env).google)
})
afterEach(async () => {
  await bigquery.clear()
  await bigquery.put('/settings', { pendingMs: 0, extractMs: 0 })
})
afterAll(() => cloud?.close())

const cli = (...args: string[]) => runCli(['export', ...args], { ...cloud.env })

test('export makes a raw batch of the public table, and writes nothing but its path', async () => {
  const { code, stdout, stderr } = await cli()
  expect(stderr).toMatch(/^3 files of nyc-tlc\.yellow\.trips$/m)
  expect(stdout).toMatch(
    /^gs:\/\/local-project-raw\/cloud-composer-lab\/raw-\d{4}-\d\d-\d\dT\d{6}-\d{3}\/\n$/,
  )
  expect(code).toBe(0)
  const prefix = stdout.trim().slice('gs://local-project-raw/'.length)
  const [files] = await storage.bucket('local-project-raw').getFiles({ prefix })
  expect(files.map(({ name }) => name.slice(prefix.length))).toEqual(
    ['000000000000', '000000000001', '000000000002'].map((shard) => `nyc-tlc-yellow-${shard}.json`),
  )
  const lines = String((await files[0]?.download())?.[0])
    .trim()
    .split('\n')
  expect(lines).toHaveLength(2000)
  expect(JSON.parse(lines[0] ?? '')).toHaveProperty('trip_distance')
})

test('export goes to the folder that is asked for, and tells how long it takes', async () => {
  await bigquery.put('/settings', { pendingMs: 700, extractMs: 1500 })
  const { code, stdout, stderr } = await cli('--table', 'nyc-tlc:yellow.trips', '--to', 'exports', '--json')
  expect(stderr).toMatch(/^exporting: pending, 0 s$/m)
  expect(stderr).toMatch(/^exporting: running, \d s$/m)
  expect(JSON.parse(stdout)).toEqual({
    raw_path: expect.stringMatching(/^gs:\/\/local-project-raw\/exports\/raw-[^/]+\/$/),
    files: 3,
    table: 'nyc-tlc.yellow.trips',
    table_bytes: expect.any(Number),
    job_id: expect.any(String),
  })
  expect(code).toBe(0)
})

test('an export that fails says why, and leaves no path', async () => {
  await bigquery.post('/job-faults', { type: 'extract', reason: 'accessDenied', message: 'Not your bucket.' })
  const { code, stdout, stderr } = await cli()
  expect(stderr).toMatch(/^Could not export nyc-tlc\.yellow\.trips to gs:.*: .*Not your bucket\.$/m)
  expect(stdout).toBe('')
  expect(code).toBe(1)
  const unknown = await cli('--table', 'nyc-tlc.yellow.nothing')
  expect(unknown.stderr).toMatch(/Not found: Table nyc-tlc:yellow\.nothing/)
  expect(unknown.code).toBe(1)
})

test.each([
  [['--table', 'trips'], /must be project\.dataset\.table/],
  [['--to', 'gs://elsewhere/exports/'], /names the bucket elsewhere, and runs read local-project-raw only/],
  [['--to', 'exports/*/'], /^--to holds a wildcard, .*: "exports\/\*\/raw-/],
  [['--to', '../exports'], /^--to holds an empty, "\." or "\.\." folder: /],
])('export %j is refused before anything is asked for', async (args, sentence) => {
  const { code, stderr } = await cli(...args)
  expect(stderr).toMatch(sentence)
  expect(code).toBe(2)
  expect((await bigquery.calls())['jobs.insert']).toBeUndefined()
})
