import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { freePort } from '../../local/support/free-port.ts'
import { failureOf } from '../support/bad-days.ts'
import { putBatch } from '../support/batches.ts'
import { type Pipeline, startPipeline } from '../support/pipeline.ts'
import { type Prometheus, promtool, startPrometheus } from '../support/prometheus.ts'
import { averageSpeed } from '../support/trigger.ts'
import { until } from '../support/until.ts'

describe('promtool', () => {
  test('accepts the configuration and the rules', async () => {
    expect(await promtool('check', 'config', 'deploy/prometheus/prometheus.yml')).not.toMatch(/FAILED/)
  })

  test('sees every alert fire when it is provoked, and none on a quiet day', async () => {
    expect(await promtool('test', 'rules', 'test/observability/alerts.test.yml')).toMatch(/SUCCESS/)
  })
})

describe('Prometheus', () => {
  let pipeline: Pipeline
  let prometheus: Prometheus
  beforeAll(async () => {
    pipeline = await startPipeline({ gateway: true })
    const port = await freePort('127.0.0.1')
    await pipeline.soleWorker({ WORKER_METRICS_PORT: String(port) })
    prometheus = await startPrometheus({
      'worker:9464': `127.0.0.1:${port}`,
      'gateway:9465': `127.0.0.1:${pipeline.cloud.get('GATEWAY_METRICS_PORT')}`,
    })
  }, 180_000)
  afterAll(async () => {
    await prometheus?.close()
    await pipeline?.close()
  })

  const untilValue = (expression: string, value: number): Promise<void> =>
    until(`${expression} is ${value}`, async () => {
      const values = await prometheus.query(expression)
      return values.length === 1 && values[0] === value
    })

  test('scrapes the worker and the gateway', async () => {
    await untilValue('up{job="average-speed-worker"}', 1)
    await untilValue('up{job="average-speed-gateway"}', 1)
    await untilValue('sum(temporal_num_pollers{poller_type=~"workflow_task|activity_task"}) > bool 0', 1)
    await untilValue('time() - max(average_speed_observed_timestamp_seconds) < bool 60', 1)
    // The first evaluation may come before the first scrape.
    await until('no alert is left', async () => (await prometheus.alerts()).length === 0)
  })

  test('counts a start at the gateway, and what its run has loaded', async () => {
    const { input } = await putBatch(pipeline)
    expect(
      await averageSpeed(pipeline.cloud, 'trigger', '--raw-path', input.rawPath, '--wait'),
    ).toMatchObject({ code: 0 })
    await untilValue('average_speed_gateway_starts_total{outcome="started"}', 1)
    await untilValue('sum(average_speed_runs_total{end_state="completed"})', 1)
    await untilValue('sum(average_speed_rows_total{outcome="loaded"})', 6)
  })

  test('alerts on the first run that fails, by the name of its failure', async () => {
    await pipeline.bigquery.post('/job-faults', { type: 'load', reason: 'invalid', times: 1_000 })
    await failureOf(await pipeline.start((await putBatch(pipeline)).input))
    await untilValue('sum(average_speed_runs_total{end_state="failed", failure_type="LoadFailed"})', 1)
    await until('the alert fires', async () =>
      (await prometheus.alerts()).some(
        ({ state, labels }) =>
          state === 'firing' &&
          labels['alertname'] === 'AverageSpeedRunFailed' &&
          labels['failure_type'] === 'LoadFailed',
      ),
    )
  })
})
