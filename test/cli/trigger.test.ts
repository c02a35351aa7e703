import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import type { Client } from '@temporalio/client'
import { type LocalCloud, startLocalCloud } from '../../local/cloud/local-cloud.ts'
import { lazyTemporalClient } from '../../src/clients.ts'
import { loadGatewayConfig } from '../../src/config.ts'
import { workflowIdOf } from '../../workflows/contract.ts'
import { handWorker } from '../gateway/support/hand-worker.ts'
import { until } from '../gateway/support/until.ts'
import { runCli, startCli } from './support/run-cli.ts'

let stateDir: string
let cloud: LocalCloud
let client: Client
let env: Record<string, string>

beforeAll(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'cli-'))
  cloud = await startLocalCloud({ stateDir, services: ['identity', 'temporal', 'gateway'] })
  client = lazyTemporalClient(loadGatewayConfig(cloud.env).temporal)
  env = {
    GATEWAY_URL: cloud.env['GATEWAY_URL'] ?? '',
    IAP_CLIENT_ID: cloud.env['IAP_CLIENT_ID'] ?? '',
    GOOGLE_APPLICATION_CREDENTIALS: cloud.env['GOOGLE_APPLICATION_CREDENTIALS'] ?? '',
  }
})
afterAll(async () => {
  await client?.connection.close()
  await cloud?.close()
  await rm(stateDir, { recursive: true, force: true })
})

async function end(runId: string) {
  await client.workflow.getHandle(workflowIdOf(runId)).terminate()
}

test('it authenticates, starts a run, and says where it can be seen', async () => {
  const { code, stdout, stderr } = await runCli(
    ['trigger', '--raw-path', 'exports/raw-1', '--run-id', 'one'],
    env,
  )
  expect(stderr).toBe('')
  expect(stdout).toMatch(/^Run one is running: http:\/\/127\.0\.0\.1:\d+\/namespaces\/default\/workflows\//)
  expect(code).toBe(0)
  const { memo } = await client.workflow.getHandle(workflowIdOf('one')).describe()
  expect(memo).toMatchObject({
    input: { rawPath: 'gs://local-project-raw/exports/raw-1/' },
    startedBy: 'on-prem-trigger@local-project.iam.gserviceaccount.com',
  })
  await end('one')
})

test("the original script's command line works as it is", async () => {
  const { code, stdout } = await runCli(
    [
      `--url=${env['GATEWAY_URL']}/api/experimental/dags/average-speed/dag_runs`,
      `--iapClientId=${env['IAP_CLIENT_ID']}`,
      '--raw_path=gs://local-project-raw/exports/raw-2/',
      '--json',
    ],
    { GOOGLE_APPLICATION_CREDENTIALS: env['GOOGLE_APPLICATION_CREDENTIALS'] ?? '' },
  )
  expect(code).toBe(0)
  const run = JSON.parse(stdout)
  expect(run).toMatchObject({ status: 'running', raw_path: 'gs://local-project-raw/exports/raw-2/' })
  await end(run.run_id)
})

test('--wait writes one line a change into a pipe, and ends with how the run ended', async () => {
  const waiting = startCli(['trigger', '--raw-path', 'exports/raw-3', '--run-id', 'waited', '--wait'], env)
  const worker = handWorker(client, 'average-speed')
  await worker.note({
    progress: {
      attempt: 1,
      steps: [
        {
          name: 'claimBatch',
          state: 'done',
          startedAt: '2019-03-01T00:00:00.000Z',
          endedAt: '2019-03-01T00:00:02.000Z',
        },
        { name: 'createCluster', state: 'running', startedAt: '2019-03-01T00:00:02.000Z', detail: 'booting' },
      ],
    },
  })
  await client.workflow.getHandle(workflowIdOf('waited')).signal('wake')
  await until(async () => waiting.output().includes('createCluster'))
  await worker.fail({
    message: 'There are no raw files.',
    type: 'RawFilesMissing',
    details: { step: 'describeRawFiles', clusters: [], notCleaned: [] },
  })
  const { code, stdout, stderr } = await waiting.outcome
  expect(stderr).toBe('')
  expect(stdout).toMatch(/^Run waited is running: http/)
  expect(stdout).toMatch(/00:00:02 done +\+ claimBatch +2\.0 s/)
  expect(stdout).toMatch(/00:00:02 running +> createCluster .* booting/)
  expect(stdout).toMatch(/00:00:02 failed +x createCluster/)
  expect(stdout).toMatch(/RawFilesMissing in describeRawFiles: There are no raw files\./)
  expect(stdout).not.toContain('\x1b')
  expect(code).toBe(1)
})

test('--wait --json writes the run whenever it has changed; the last line is the ended run', async () => {
  const waiting = runCli(
    ['trigger', '--raw-path', 'exports/raw-4', '--run-id', 'json', '--wait', '--json'],
    env,
  )
  await handWorker(client, 'average-speed').complete({})
  const { code, stdout } = await waiting
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(lines.at(-1)).toMatchObject({ run_id: 'json', status: 'succeeded' })
  expect(code).toBe(0)
})

test('a misspelt command is told so, though trigger is the one that may be left out', async () => {
  expect(await runCli(['stauts'], env)).toEqual({
    code: 2,
    stdout: '',
    stderr: 'There is no command "stauts"; average-speed help lists them.\n',
  })
})

test.each<[string, readonly string[], Record<string, string>, number, RegExp]>([
  ['no raw path', [], {}, 2, /Give --raw-path/],
  ['a bad raw path', ['--raw-path', 'x/y'], {}, 2, /must end in a folder named raw-/],
  ['an unknown option', ['--raw-paht', 'x'], {}, 2, /unknown option/],
  ['a bad number', ['--raw-path', 'x/raw-1', '--max-rejects', 'many'], {}, 2, /must be a number/],
  ['no gateway', ['--raw-path', 'x/raw-1'], { GATEWAY_URL: '' }, 2, /Which gateway\?/],
  ['a gateway that is no URL', ['--raw-path', 'x/raw-1', '--url', 'x'], {}, 2, /must be a URL/],
  ['another audience', ['--raw-path', 'x/raw-1', '--iap-client-id', 'other'], {}, 3, /another audience/],
  ['another bucket', ['--raw-path', 'gs://other-bucket/x/raw-1'], {}, 3, /does not allow/],
  [
    'no credentials',
    ['--raw-path', 'x/raw-1'],
    { GOOGLE_APPLICATION_CREDENTIALS: '/nonexistent.json' },
    3,
    /No ID token/,
  ],
  [
    'a gateway that is away',
    ['--raw-path', 'x/raw-1', '--url', 'http://127.0.0.1:1'],
    {},
    4,
    /cannot be reached/,
  ],
])('%s: one clear sentence and its exit status', async (_title, args, change, code, sentence) => {
  const outcome = await runCli(['trigger', ...args], { ...env, ...change })
  expect(outcome.stderr).toMatch(sentence)
  expect(outcome.stderr).not.toMatch(/\n\s+at /)
  expect(outcome.stdout).toBe('')
  expect(outcome.code).toBe(code)
})

test('help teaches, and tells the exit statuses', async () => {
  const { code, stdout } = await runCli(['trigger', '--help'], {})
  expect(stdout).toMatch(/Examples:/)
  expect(code).toBe(0)
  expect((await runCli(['--help'], {})).stdout).toMatch(/Exit status:/)
})
