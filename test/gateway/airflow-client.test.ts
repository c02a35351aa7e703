import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { workflowIdOf } from '../../workflows/contract.ts'
import { GOOD_ROWS, putBatch } from '../support/batches.ts'
import { endingOf } from '../support/endings.ts'
import { type Pipeline, startPipeline } from '../support/pipeline.ts'
import { runPytest } from '../support/python.ts'

let pipeline: Pipeline
beforeAll(async () => {
  pipeline = await startPipeline({ gateway: true })
}, 120_000)
afterAll(() => pipeline?.close())

test('the official client of Airflow 3 triggers, waits, reads, lists and cancels, with another host and nothing else changed', async () => {
  const [good, held] = [await putBatch(pipeline), await putBatch(pipeline)]
  const report = await runPytest(join(import.meta.dirname, 'support', 'airflow_client_calls.py'), {
    ...pipeline.cloud.env,
    OUTPUT_TABLE: good.input.outputTable,
    GOOD_RUN_ID: 'client-good',
    GOOD_RAW_PATH: good.input.rawPath,
    HELD_RUN_ID: 'client-held',
    HELD_RAW_PATH: held.input.rawPath,
  })
  expect(report).toMatch(/6 passed/)
  const ending = (runId: string, batch: typeof good) =>
    endingOf(pipeline, pipeline.temporal.workflow.getHandle(workflowIdOf(runId)), batch)
  expect(await ending('client-good', good)).toMatchObject({
    status: 'COMPLETED',
    loads: { committed: 1, rows: GOOD_ROWS },
    rawFilesIn: ['processed'],
    leaks: [],
  })
  expect(await ending('client-held', held)).toMatchObject({
    status: 'CANCELLED',
    loads: { committed: 0, rows: 0 },
    rawFilesIn: ['raw'],
    leaks: [],
  })
}, 120_000)
