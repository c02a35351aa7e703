import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { TRIGGER_EMAIL } from '../../local/identity/identity.ts'
import { freePort } from '../../local/support/free-port.ts'
import { listOpenRuns } from '../../src/worker/open-runs.ts'
import { REAPER_SCHEDULE_ID, runIdOf } from '../../workflows/contract.ts'
import { alertRules, metricsIn } from '../support/alerts.ts'
import { failureOf } from '../support/bad-days.ts'
import { GOOD_ROWS, putBadBatch, putBatch } from '../support/batches.ts'
import { type Sample, scrape, sumOf } from '../support/exposition.ts'
import { type Pipeline, startPipeline, untilJob } from '../support/pipeline.ts'
import { averageSpeed } from '../support/trigger.ts'
import { until } from '../support/until.ts'
import type { WorkerProcess } from '../support/worker-process.ts'

let pipeline: Pipeline
let worker: WorkerProcess
let workerPort: number
beforeAll(async () => {
  // Most runs are started by hand here, and are the operators' to read.
  pipeline = await startPipeline({ gateway: true, set: { OPERATORS: TRIGGER_EMAIL } })
  workerPort = await freePort('127.0.0.1')
  worker = await pipeline.soleWorker({ WORKER_METRICS_PORT: String(workerPort) })
}, 120_000)
afterEach(() => pipeline.calm())
afterAll(() => pipeline?.close())

const scrapeWorker = (): Promise<readonly Sample[]> => scrape(workerPort)
const scrapeGateway = (): Promise<readonly Sample[]> => scrape(pipeline.cloud.get('GATEWAY_METRICS_PORT'))

describe("the worker's metrics", () => {
  test("are Temporal's and the pipeline's in one place, in seconds", async () => {
    const run = await pipeline.start((await putBatch(pipeline)).input)
    await run.result()
    const samples = await scrapeWorker()
    expect(sumOf(samples, 'temporal_num_pollers', { task_queue: 'average-speed' })).toBeGreaterThan(0)
    expect(sumOf(samples, 'temporal_activity_schedule_to_start_latency_count')).toBeGreaterThan(0)
    // The whole run took seconds; as milliseconds they would be thousands.
    expect(sumOf(samples, 'temporal_workflow_endtoend_latency_sum')).toBeLessThan(120)
    await until('the open runs were listed', async () => {
      const seen = sumOf(await scrapeWorker(), 'average_speed_observed_timestamp_seconds')
      return Math.abs(Date.now() / 1000 - seen) < 60
    })
  })

  test('say how long the oldest run and its cluster are there, until they are gone', async () => {
    await pipeline.dataprocSettings({ jobMs: 600_000 })
    const run = await pipeline.start((await putBatch(pipeline)).input)
    await untilJob(pipeline, run)
    const inAnHour = Date.now() + 3_600_000
    await until('the run is listed at its step', async () => {
      const open = await listOpenRuns(pipeline.temporal, 'default', inAnHour)
      return open.byStep.get('runSparkJob') === 1 && open.oldestCluster > 0
    })
    const open = await listOpenRuns(pipeline.temporal, 'default', inAnHour)
    for (const age of [open.oldestRun, open.oldestCluster]) {
      expect(age).toBeGreaterThan(3590)
      expect(age).toBeLessThan(3660)
    }
    await until('the endpoint says so', async () => {
      const samples = await scrapeWorker()
      return (
        sumOf(samples, 'average_speed_open_runs', { step: 'runSparkJob' }) === 1 &&
        sumOf(samples, 'average_speed_oldest_cluster_seconds') > 0
      )
    })
    await run.cancel()
    await run.result().catch(() => undefined)
    await until(
      'no run is listed',
      async () => (await listOpenRuns(pipeline.temporal, 'default')).byStep.size === 0,
    )
    expect(await listOpenRuns(pipeline.temporal, 'default')).toMatchObject({ oldestRun: 0, oldestCluster: 0 })
  })
})

describe("the workflow's metrics", () => {
  test('count a failed run under its failure, and the time and rows of one that succeeds', async () => {
    const before = await scrapeWorker()
    await failureOf(await pipeline.start((await putBadBatch(pipeline)).input))
    await (await pipeline.start((await putBatch(pipeline)).input)).result()
    const after = await scrapeWorker()
    const more = (name: string, labels: Readonly<Record<string, string>>): number =>
      sumOf(after, name, labels) - sumOf(before, name, labels)
    const failed = { end_state: 'failed', failure_type: 'TooManyRejects' }
    expect(more('average_speed_runs_total', failed)).toBe(1)
    expect(more('average_speed_runs_total', { end_state: 'completed' })).toBe(1)
    expect(more('average_speed_rows_total', { outcome: 'loaded' })).toBe(GOOD_ROWS)
    expect(more('average_speed_cluster_seconds_count', {})).toBe(2)
    expect(more('average_speed_step_seconds_count', { step: 'runSparkJob', state: 'done' })).toBe(2)
    // Stand-ins take no minute, so the bucket of a minute holds all, if it is in seconds.
    expect(more('average_speed_cluster_seconds_bucket', { le: '60' })).toBe(2)
  })

  test('count the clusters that the sweep has deleted', async () => {
    await pipeline.dataprocSettings({ jobMs: 600_000 })
    const run = await pipeline.start((await putBatch(pipeline)).input)
    await untilJob(pipeline, run)
    await run.terminate('a test')
    await pipeline.temporal.schedule.getHandle(`${REAPER_SCHEDULE_ID}-default`).trigger()
    await until('the sweep is counted', async () => {
      return sumOf(await scrapeWorker(), 'average_speed_orphans_reaped_total') === 1
    })
  })
})

describe("the gateway's metrics", () => {
  test('are not served where the public is', async () => {
    const reply = await fetch(`${pipeline.cloud.get('GATEWAY_URL')}/metrics`)
    expect(reply.status).toBe(404)
    expect(await reply.text()).not.toContain('average_speed_')
  })

  test('count starts, and requests by the template of their route, never by their address', async () => {
    const { input } = await putBatch(pipeline)
    const trigger = () =>
      averageSpeed(
        pipeline.cloud,
        'trigger',
        '--raw-path',
        input.rawPath,
        '--run-id',
        'a-secret-name',
        '--wait',
      )
    expect(await trigger()).toMatchObject({ code: 0 })
    expect(await trigger()).toMatchObject({ code: 0 })
    const url = pipeline.cloud.get('GATEWAY_URL')
    await fetch(`${url}/nothing/a-secret-name?token=a-secret-name`)
    const samples = await scrapeGateway()
    const requests = 'average_speed_gateway_request_seconds_count'
    expect(sumOf(samples, 'average_speed_gateway_starts_total', { outcome: 'started' })).toBe(1)
    expect(sumOf(samples, 'average_speed_gateway_starts_total', { outcome: 'existing' })).toBe(1)
    expect(sumOf(samples, requests, { method: 'POST', route: '/runs', status: '202' })).toBe(2)
    expect(sumOf(samples, requests, { route: '/runs/:run_id', status: '200' })).toBeGreaterThan(0)
    expect(sumOf(samples, requests, { route: 'unknown', status: '404' })).toBeGreaterThan(0)
    expect(JSON.stringify(samples)).not.toContain('a-secret-name')
  })

  test('count who was turned away', async () => {
    const url = `${pipeline.cloud.get('GATEWAY_URL')}/runs`
    const name = 'average_speed_gateway_rejected_authentications_total'
    const before = sumOf(await scrapeGateway(), name, { status: '401' })
    await fetch(url, { headers: { authorization: 'Bearer nonsense' } })
    await fetch(url)
    expect(sumOf(await scrapeGateway(), name, { status: '401' })).toBe(before + 2)
  })
})

describe('log lines about a run', () => {
  test('carry its workflow id, in the gateway and in the worker', async () => {
    const run = await pipeline.start((await putBadBatch(pipeline)).input)
    await failureOf(run)
    const status = await averageSpeed(pipeline.cloud, 'status', runIdOf(run.workflowId))
    expect(status.stdout).toContain('TooManyRejects')
    const logs = {
      gateway: await readFile(join(pipeline.cloud.stateDir, 'gateway.log'), 'utf8'),
      worker: await worker.log(),
    }
    for (const [name, log] of Object.entries(logs)) {
      const lines = log.split('\n').filter((line) => line.includes(runIdOf(run.workflowId)))
      expect(lines.length).toBeGreaterThan(0)
      for (const line of lines) {
        const { service, workflowId }: { service: string; workflowId: string } = JSON.parse(line)
        expect({ service, workflowId }).toEqual({ service: name, workflowId: run.workflowId })
      }
    }
  })
})

describe('the alerts', () => {
  test('are about metrics that the two endpoints serve, after a bad day', async () => {
    const samples = [...(await scrapeWorker()), ...(await scrapeGateway())]
    const served = new Set(samples.map(({ name }) => name))
    const asked = alertRules().flatMap(({ expr }) => metricsIn(expr))
    expect(asked.length).toBeGreaterThan(10)
    expect(asked.filter((name) => !served.has(name))).toEqual([])
  })

  test('ask for labels by the names that the samples have', async () => {
    const samples = [...(await scrapeWorker()), ...(await scrapeGateway())]
    const labels = new Set(samples.flatMap((sample) => Object.keys(sample.labels)))
    const asked = alertRules().flatMap(({ expr }) =>
      [...expr.matchAll(/([a-z_]+)=~?"/g)].map(([, label = '']) => label),
    )
    // Prometheus adds these itself.
    for (const name of asked.filter((name) => name !== 'job')) expect(labels).toContain(name)
  })
})
