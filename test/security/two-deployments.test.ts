import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { loadGatewayConfig, loadWorkerConfig } from '../../src/config.ts'
import { type Harness, startHarness } from '../workflows/harness.ts'

let harness: Harness
beforeAll(async () => {
  harness = await startHarness()
})
afterAll(() => harness?.close())

test('finding 20: a worker that is given the run of another deployment refuses it by name, and does nothing', async () => {
  const run = await harness.run({}, { searchAttributes: { Deployment: ['elsewhere'] } })
  expect(run.failure).toMatchObject({
    type: 'ForeignRun',
    message: expect.stringMatching(/of the deployment elsewhere, and a worker of .*TEMPORAL_TASK_QUEUE/),
  })
  expect(run.names).toEqual(['prepareRun'])
})

test('finding 20: a run that was started by hand becomes its worker’s, and says so', async () => {
  const run = await harness.run({})
  expect(run.status).toBe('COMPLETED')
  expect(run.searchAttributes).toMatchObject({ Deployment: [expect.stringMatching(/./)] })
})

test('finding 20: each deployment has a task queue of its own unless it is told otherwise', () => {
  const env = {
    ...{ GOOGLE_CLOUD_PROJECT: 'some-project', RAW_BUCKET: 'raw', PROCESSED_BUCKET: 'processed' },
    ...{ STATE_BUCKET: 'state', BQ_OUTPUT_TABLE: 'some-project.d.t', AUTHENTICATION: 'id-token' },
    ...{ IAP_CLIENT_ID: 'client', ALLOWED_CALLERS: 'a@example.com', GATEWAY_SECRET: 'x'.repeat(32) },
  }
  for (const load of [loadWorkerConfig, loadGatewayConfig]) {
    const queueOf = (more: object): string => load({ ...env, ...more }).temporal.taskQueue
    expect(queueOf({})).toBe('average-speed')
    expect(queueOf({ DEPLOYMENT: 'team-a' })).toBe('average-speed-team-a')
    expect(queueOf({ DEPLOYMENT: 'team-a', TEMPORAL_TASK_QUEUE: 'mine' })).toBe('mine')
  }
})

test('finding 9: operators are callers, and the gateway needs a key that nobody guesses', () => {
  const env = {
    ...{ RAW_BUCKET: 'raw', PROCESSED_BUCKET: 'processed', BQ_OUTPUT_TABLE: 'p.d.t' },
    ...{ AUTHENTICATION: 'id-token', IAP_CLIENT_ID: 'client', ALLOWED_CALLERS: 'a@example.com' },
  }
  const GATEWAY_SECRET = 'x'.repeat(32)
  const { authentication } = loadGatewayConfig({ ...env, GATEWAY_SECRET, OPERATORS: 'Ops@example.com' })
  expect(authentication.allowedCallers).toEqual(['a@example.com', 'ops@example.com'])
  expect(authentication.operators).toEqual(['ops@example.com'])
  expect(loadGatewayConfig({ ...env, GATEWAY_SECRET }).authentication.operators).toEqual([])
  expect(() => loadGatewayConfig(env)).toThrow('GATEWAY_SECRET is missing')
  const short = 'x'.repeat(31)
  const load = (): unknown => loadGatewayConfig({ ...env, GATEWAY_SECRET: short })
  expect(load).toThrow('GATEWAY_SECRET does not have the form')
  expect(load).not.toThrow(short)
})
