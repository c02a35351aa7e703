import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { GoogleClients } from '../../src/clients.ts'
import { NotAllowedError, PathError } from '../../workflows/paths.ts'
import { planRun } from '../../workflows/plan.ts'
import type { Attempt, Batch } from '../../workflows/run-types.ts'
import { type DataprocBench, startDataprocBench } from '../activities/dataproc-bench.ts'
import { contents, putObject, removeObject } from '../support/objects.ts'
import { RUN_DEFAULTS } from '../support/run-defaults.ts'
import { outcomeOf } from './support/outcome.ts'

let bench: DataprocBench
let google: GoogleClients
beforeAll(async () => {
  bench = await startDataprocBench()
  google = bench.google
  await bench.reset()
})
afterAll(() => bench?.close())

const CHOSEN = { ...RUN_DEFAULTS, callerFolders: ['gs://raw-bucket/chosen/'] }

describe("finding 5: a path that a caller chooses is never in another's folder", () => {
  test.each([
    'exports/failed-2',
    'exports/transformed-2',
    'exports/raw-2',
    'exports/raw-1',
    'exports/batch-2',
    'exports',
    'spark-jobs',
    'tmp',
    'gs://processed-bucket/archive/',
    'gs://state-bucket/batches/raw-bucket/exports/raw-2/',
    'gs://another-bucket/x/',
    'chosen',
    'chosen/',
    'chosen/failed-2',
    'chosen/transformed-2',
    'chosen/failed-2/failed-1',
    'chosen/raw-2/failed-1',
    'chosen/processed_date=2019-03-01/failed-1',
    'chosen-2/failed-1',
    'chosen/../failed-1',
    'chosen/failed-2/raw-bucket/exports/raw-2/',
  ])('%s', (path) => {
    for (const defaults of [RUN_DEFAULTS, CHOSEN])
      for (const field of ['failedPath', 'transformedPath'])
        expect(() => planRun({ rawPath: 'exports/raw-1', [field]: path }, defaults)).toThrow(PathError)
  })

  test('nothing at all is chosen where the deployment names no folder', () => {
    const input = { rawPath: 'exports/raw-1', failedPath: 'chosen/failed-1' }
    expect(() => planRun(input, RUN_DEFAULTS)).toThrow(NotAllowedError)
    expect(planRun(input, CHOSEN).failedPath).toBe(
      'gs://raw-bucket/chosen/failed-1/raw-bucket/exports/raw-1/',
    )
  })

  test('batches of the same name that choose the same folder keep apart', async () => {
    const failedPath = 'chosen/failed-1'
    const plans = ['a/raw-1', 'b/raw-1'].map((rawPath) => bench.bench.plan({ rawPath, failedPath }))
    const reason = { type: 'x', message: 'x', workflowId: 'x' }
    for (const plan of plans) {
      await putObject(google.storage, `${plan.rawPath}a.json`, plan.rawPath)
      await bench.bench.call('describeRawFiles', [plan])
      await bench.bench.call('moveRawFilesToFailed', [plan, reason])
    }
    for (const plan of plans) {
      await bench.bench.call('describeRawFiles', [plan])
      expect(await contents(google.storage, plan.rawPath)).toEqual({ 'a.json': plan.rawPath })
    }
  })
})

describe('finding 7: notes of any shape', () => {
  const SHAPES = [
    '5',
    'null',
    '""',
    '[]',
    '{',
    '',
    '{"workflowId":5}',
    '{"processedDate":5}',
    '\u0000',
    '{"owner":1}',
  ]

  test.each(SHAPES)('in a place of the worker’s own fail by name, once: %j', async (text) => {
    const { bench: worker, cloud } = bench
    const plan = worker.plan({ rawPath: `shapes-${SHAPES.indexOf(text)}/raw-1` })
    const state = `gs://${cloud.get('STATE_BUCKET')}`
    await putObject(google.storage, `${plan.rawPath}a.json`, 'raw')
    await worker.call('describeRawFiles', [plan])
    const table = `${state}/tables/${plan.outputTable}/`
    const notes: readonly (readonly [string, () => Promise<unknown>])[] = [
      [`${plan.notesPath}archive.json`, () => worker.call('archiveRawFiles', [plan])],
      [plan.manifestUri, () => worker.call('archiveRawFiles', [plan])],
      [`${table}state.json`, () => worker.call('claimTable', [plan])],
      [`${state}/deployments/test/outputs/${'a'.repeat(32)}.json`, () => worker.call('reapOrphans', [])],
      [`${plan.notesPath}claim.json`, () => worker.call('archiveRawFiles', [plan])],
    ]
    for (const [uri, read] of notes) {
      await putObject(google.storage, uri, text)
      // A manifest without a line lists nothing, and a state without its fields says nothing.
      const saysNothing =
        (uri === plan.manifestUri && text === '') || (uri.endsWith('state.json') && /^\{.+\}$/.test(text))
      expect([uri, await outcomeOf(read)]).toEqual([uri, saysNothing ? 'done' : 'NoteUnreadable'])
      await removeObject(google.storage, uri)
      await putObject(google.storage, plan.manifestUri, '')
    }
  })

  test.each([
    '5',
    'null',
    '{',
    '{"kind":"RawFileUnreadable"}',
    '{"kind":"RawFileUnreadable","message":5}',
    '{"kind":"Anything","message":"x"}',
    '{"kind":["RawFileUnreadable"],"message":"x"}',
    '{"kind":"__proto__","message":"x"}',
  ])("of a job's failure accuse nobody, and hide nothing: %s", async (text) => {
    const attempt: Attempt = bench.attempt()
    const batch: Batch = bench.batch
    const cluster = await bench.create(attempt)
    await putObject(google.storage, `${attempt.outputPath}_failure.json`, text)
    await bench.dataproc.post('/job-faults', { kind: 'error' })
    const run = bench.bench.call('runSparkJob', [bench.plan, batch, attempt, cluster])
    await expect(run).rejects.toMatchObject({
      type: 'SparkJobFailed',
      message: expect.stringMatching(/_failure\.json/),
    })
  })
})
