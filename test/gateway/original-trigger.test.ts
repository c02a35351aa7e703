import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { tools } from '../../local/toolchain/tools.ts'
import { workflowIdOf } from '../../workflows/contract.ts'
import { GOOD_ROWS, putBatch, type TestBatch } from '../support/batches.ts'
import { endingOf } from '../support/endings.ts'
import { type Pipeline, startPipeline } from '../support/pipeline.ts'

const run = promisify(execFile)

let pipeline: Pipeline
beforeAll(async () => {
  pipeline = await startPipeline({ gateway: true })
}, 120_000)
afterAll(() => pipeline?.close())

/** The original names no table: the batch goes to the deployment's. */
async function putBatchForDefaultTable(): Promise<TestBatch> {
  const batch = await putBatch(pipeline)
  return { ...batch, input: { ...batch.input, outputTable: pipeline.cloud.get('BQ_OUTPUT_TABLE') } }
}

// The second batch replaces the first in the table, as in the original.
test.each([
  ['JSON', [], 1],
  ['a Python literal', ['--as_literal'], 2],
])(
  'a script that posts as the original does gets its batch loaded, with conf as %s',
  async (title, flags, loads) => {
    const batch = await putBatchForDefaultTable()
    const runId = `post-triggered-run-${title.length}`
    const { stdout } = await run(tools.python, [
      join(import.meta.dirname, 'support', 'original_trigger.py'),
      `--url=${pipeline.cloud.get('GATEWAY_URL')}/api/experimental/dags/average-speed/dag_runs`,
      `--iapClientId=${pipeline.cloud.get('IAP_CLIENT_ID')}`,
      `--credentials=${pipeline.cloud.get('GOOGLE_APPLICATION_CREDENTIALS')}`,
      `--run_id=${runId}`,
      `--raw_path=${batch.input.rawPath}`,
      ...flags,
    ])
    expect(JSON.parse(stdout)).toMatchObject({
      run_id: runId,
      message: expect.stringMatching(/^Created <DagRun average-speed @ .*, externally triggered: True>$/),
    })
    const handle = pipeline.temporal.workflow.getHandle(workflowIdOf(runId))
    expect(await endingOf(pipeline, handle, batch)).toMatchObject({
      status: 'COMPLETED',
      loads: { committed: loads, rows: GOOD_ROWS },
      rawFilesIn: ['processed'],
      leaks: [],
    })
    expect((await handle.describe()).memo).toMatchObject({
      input: { rawPath: batch.input.rawPath },
      startedBy: 'on-prem-trigger@local-project.iam.gserviceaccount.com',
    })
  },
  60_000,
)
