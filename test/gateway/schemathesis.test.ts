import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { workflowIdOf } from '../../workflows/contract.ts'
import { scaled } from '../support/scale.ts'
import { startTestGateway, type TestGateway } from './support/gateway.ts'
import { handWorker } from './support/hand-worker.ts'
import { runSchemathesis } from './support/schemathesis.ts'

// Cases grow with the number of examples, but not in step: many operations have few inputs.
const { cases, casesEach, seed, minutes } = scaled(
  { cases: 500, casesEach: 10, seed: 1, minutes: 3 },
  { cases: 5_000, casesEach: 250, seed: undefined, minutes: 20 },
)

let gateway: TestGateway
let url: string

beforeAll(async () => {
  gateway = await startTestGateway({ waitLimitMs: 50 })
  url = await gateway.app.listen({ host: '127.0.0.1', port: 0 })
  await makeRuns()
})
afterAll(() => gateway?.close())

/** A run in each state, of which `schemathesis.toml` knows the names. */
async function makeRuns(): Promise<void> {
  const worker = handWorker(gateway.client, gateway.config.temporal.taskQueue)
  const start = async (runId: string) => {
    const payload = { run_id: runId, raw_path: `exports/raw-${runId}` }
    const headers = await gateway.headers()
    const reply = await gateway.app.inject({ method: 'POST', url: '/runs', headers, payload })
    expect(reply.statusCode).toBe(202)
  }
  const progress = { attempt: 1, steps: [{ name: 'claimBatch', state: 'running' }] }
  await start('good')
  await worker.complete({ rawPath: 'gs://raw-bucket/exports/raw-good/', rowsLoaded: 3 }, { progress })
  await start('bad')
  await worker.fail({ message: 'No.', type: 'TooManyRejects' }, { progress })
  await start('ended')
  await gateway.client.workflow.getHandle(workflowIdOf('ended')).terminate()
  await start('going')
}

test(
  `Schemathesis finds nothing in ${cases} cases: no 5xx, and every reply matches its schema`,
  async () => {
    const { authorization = '' } = await gateway.headers()
    const outcome = await runSchemathesis({
      url,
      authorization,
      casesEach,
      ...(seed !== undefined && { seed }),
    })
    if (outcome.exitCode !== 0) throw new Error(outcome.report)
    expect(outcome.errors).toEqual([])
    expect(outcome.operations.tested).toBe(outcome.operations.total)
    expect(outcome.cases).toBeGreaterThanOrEqual(cases)

    const statuses = answeredStatuses()
    console.info(`${outcome.cases} cases; answers by status: ${JSON.stringify(Object.fromEntries(statuses))}`)
    expect([...statuses.keys()].filter((status) => status >= 500)).toEqual([])
    // It has not only been refused: runs were started, met again and listed.
    for (const status of [200, 202, 400, 404, 409]) expect(statuses.get(status)).toBeGreaterThan(0)
    expect(gateway.log()).not.toMatch(/eyJ/)
  },
  minutes * 60_000,
)

function answeredStatuses(): ReadonlyMap<number, number> {
  const statuses = new Map<number, number>()
  for (const line of gateway.log().split('\n')) {
    const status = line === '' ? undefined : JSON.parse(line).status
    if (typeof status === 'number') statuses.set(status, (statuses.get(status) ?? 0) + 1)
  }
  return new Map([...statuses].sort(([a], [b]) => a - b))
}
