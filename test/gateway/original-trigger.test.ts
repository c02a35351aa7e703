import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import type { Client } from '@temporalio/client'
import { type LocalCloud, startLocalCloud } from '../../local/cloud/local-cloud.ts'
import { tools } from '../../local/toolchain/tools.ts'
import { lazyTemporalClient } from '../../src/clients.ts'
import { loadGatewayConfig } from '../../src/config.ts'
import { workflowIdOf } from '../../workflows/contract.ts'

const run = promisify(execFile)
let stateDir: string
let cloud: LocalCloud
let client: Client

beforeAll(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'original-'))
  cloud = await startLocalCloud({ stateDir, services: ['identity', 'temporal', 'gateway'] })
  client = lazyTemporalClient(loadGatewayConfig(cloud.env).temporal)
})
afterAll(async () => {
  await client?.connection.close()
  await cloud?.close()
  await rm(stateDir, { recursive: true, force: true })
})

test.each([
  ['JSON', []],
  ['a Python literal', ['--as_literal']],
])('a script that posts as the original does is served, with conf as %s', async (title, flags) => {
  const runId = `post-triggered-run-${title.length}`
  const { stdout } = await run(tools.python, [
    join(import.meta.dirname, 'support', 'original_trigger.py'),
    `--url=${cloud.env['GATEWAY_URL']}/api/experimental/dags/average-speed/dag_runs`,
    `--iapClientId=${cloud.env['IAP_CLIENT_ID']}`,
    `--credentials=${cloud.env['GOOGLE_APPLICATION_CREDENTIALS']}`,
    `--run_id=${runId}`,
    '--raw_path=gs://local-project-raw/cloud-composer-lab/raw-2019-03-01T000000/',
    ...flags,
  ])
  expect(JSON.parse(stdout)).toMatchObject({
    run_id: runId,
    message: expect.stringMatching(/^Created <DagRun average-speed @ .*, externally triggered: True>$/),
  })
  const { memo } = await client.workflow.getHandle(workflowIdOf(runId)).describe()
  expect(memo).toMatchObject({
    input: { rawPath: 'gs://local-project-raw/cloud-composer-lab/raw-2019-03-01T000000/' },
    startedBy: 'on-prem-trigger@local-project.iam.gserviceaccount.com',
  })
})
