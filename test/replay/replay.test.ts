import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { bundleWorkflowCode, DefaultLogger, Runtime, Worker, type WorkflowBundle } from '@temporalio/worker'
import { DeterminismViolationError } from '@temporalio/workflow'
import { readHistory, recordedHistories } from './histories.ts'

const ROOT = join(import.meta.dirname, '..', '..')
// A replay that fails is what the tests ask for; the SDK would print pages about each.
const logger = new DefaultLogger('ERROR', () => undefined)

let copies: string
let current: WorkflowBundle
beforeAll(async () => {
  Runtime.install({ logger, telemetryOptions: { logging: { filter: 'ERROR', forward: {} } } })
  // Below the project, so that the copies find its packages.
  copies = await mkdtemp(join(ROOT, '.local', 'replay-'))
  current = await bundle(join(ROOT, 'workflows'))
})
afterAll(() => rm(copies, { recursive: true, force: true }))

function bundle(folder: string): Promise<WorkflowBundle> {
  return bundleWorkflowCode({ workflowsPath: join(folder, 'index.ts'), logger })
}

/** What is wrong with the replay of each history; nothing for those that replay. */
async function replay(workflowBundle: WorkflowBundle): Promise<Map<string, Error | undefined>> {
  const histories = (await recordedHistories()).map(async (name) => ({
    workflowId: name,
    history: await readHistory(name),
  }))
  const results = new Map<string, Error | undefined>()
  const replays = Worker.runReplayHistories({ workflowBundle }, await Promise.all(histories))
  for await (const { workflowId, error } of replays) results.set(workflowId, error)
  return results
}

/** The workflow with one file changed. */
async function changed(file: string, from: string, to: string): Promise<WorkflowBundle> {
  const folder = await mkdtemp(join(copies, 'workflows-'))
  await cp(join(ROOT, 'workflows'), folder, { recursive: true })
  const source = await readFile(join(folder, file), 'utf8')
  expect(source).toContain(from)
  await writeFile(join(folder, file), source.replace(from, to))
  return bundle(folder)
}

describe('P14: the recorded histories', () => {
  test('are of every shape that a run can have', async () => {
    const names = (await recordedHistories()).map((name) => name.slice(name.indexOf('/') + 1))
    const shapes = ['success', 'bad-data', 'cluster-lost', 'cancelled-before-load', 'loaded-before', 'queued']
    for (const shape of [...shapes, 'cluster-slots']) expect(names).toContain(shape)
  })

  test('replay on the workflow as it is', async () => {
    const results = await replay(current)
    expect([...results].filter(([, error]) => error !== undefined)).toEqual([])
    expect([...results.keys()].sort()).toEqual(await recordedHistories())
  })

  test.each([
    [
      'an activity that is removed',
      'average-speed.ts',
      'verifyOutput, plan, batch, attempt)',
      "{ executeWithOptions: async () => ({ parts: { files: 1, digest: '' }, rowsRead: 6, rowsWritten: 6, rowsRejected: 0 }) })",
    ],
    ['a step that is swapped', 'average-speed.ts', 'claimBatch, plan', 'releaseBatch, plan'],
    [
      'a cleanup that is left out',
      'average-speed.ts',
      'deleteTemporaryFiles, plan, attempt)',
      '{ executeWithOptions: async () => undefined })',
    ],
  ])('do not replay with %s', async (_what, file, from, to) => {
    const results = await replay(await changed(file, from, to))
    const [, error] = [...results].find(([name]) => name.endsWith('/success')) ?? []
    expect(error).toBeInstanceOf(DeterminismViolationError)
  })
})
