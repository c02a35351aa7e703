import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { startChild } from '../../local/cloud/children.ts'
import { freePort } from '../../local/support/free-port.ts'
import { stopProcess } from '../../local/support/processes.ts'
import type { GoogleClients } from '../../src/clients.ts'
import { googleClientsOf } from '../support/clients.ts'
import { Control } from '../support/control.ts'
import { exportBatch } from '../support/demo-batch.ts'
import { startCloud, type TestCloud } from '../support/local-cloud.ts'
import { putObject } from '../support/objects.ts'
import { averageSpeed } from '../support/trigger.ts'
import { until } from '../support/until.ts'
import { startWorker, type WorkerProcess } from '../support/worker-process.ts'
import { type Postgres, startPostgres } from './support/postgres.ts'
import { type TemporalServer, temporalServer } from './support/temporal-server.ts'

interface Ledger {
  readonly running: number
  readonly jobs: readonly { readonly state: string }[]
}

let postgres: Postgres
let temporal: TemporalServer
let cloud: TestCloud
let google: GoogleClients
let worker: WorkerProcess
const cleanUps: (() => Promise<void>)[] = []

beforeAll(async () => {
  postgres = await startPostgres()
  cleanUps.push(() => postgres.close())
  temporal = await temporalServer(postgres)
  cleanUps.push(() => temporal.close())
  await temporal.schema()
  await temporal.start()
  await temporal.setUp()
  cloud = await startPipeline()
  google = googleClientsOf(cloud)
  cleanUps.push(() => google.close())
}, 300_000)

afterAll(async () => {
  for (const cleanUp of cleanUps.reverse()) await cleanUp()
}, 60_000)

/** The local cloud, with worker and gateway on the Temporal server under test. */
async function startPipeline(): Promise<TestCloud> {
  const parts = await startCloud({ services: ['storage', 'identity', 'dataproc', 'bigquery'] })
  cleanUps.push(() => parts.close())
  const port = String(await freePort())
  const env: Record<string, string> = {
    ...parts.env,
    TEMPORAL_ADDRESS: temporal.address,
    GATEWAY_PORT: port,
    GATEWAY_URL: `http://127.0.0.1:${port}`,
  }
  const whole = { ...parts, env, get: (name: string) => env[name] ?? parts.get(name) }
  worker = await startWorker(whole)
  cleanUps.push(async () => {
    await worker.stop()
  })
  const gateway = await startChild({
    name: 'gateway',
    script: 'src/gateway/main.ts',
    env,
    readyUrl: `http://127.0.0.1:${port}/readyz`,
    logFile: `${parts.stateDir}/gateway.log`,
  })
  cleanUps.push(() => stopProcess(gateway))
  return whole
}

const ledger = async (): Promise<Ledger> =>
  (await (await fetch(`${cloud.get('DATAPROC_CONTROL_URL')}/ledger`)).json()) as Ledger

test('schema and namespace can be set up again', async () => {
  expect(await temporal.schema()).toContain('found zero updates')
  expect(await temporal.setUp()).toBe('')
}, 120_000)

test('a run goes from POST to rows, with server and worker killed while its Spark job runs', async () => {
  await new Control(cloud.get('DATAPROC_CONTROL_URL')).put('/settings', { jobMode: 'stub', jobMs: 8000 })
  const rawPath = await exportBatch(google, cloud.get('RAW_BUCKET'))
  const trigger = await averageSpeed(cloud, 'trigger', '--run-id', 'on-postgres', '--raw-path', rawPath)
  expect(trigger.stderr).toBe('')
  await until('the Spark job runs', async () =>
    (await ledger()).jobs.some(({ state }) => state === 'RUNNING'),
  )

  await Promise.all([temporal.stop('SIGKILL'), worker.stop('SIGKILL')])
  await temporal.start()
  worker = await startWorker(cloud)

  const watch = await averageSpeed(cloud, 'watch', 'on-postgres')
  expect(watch).toMatchObject({ code: 0, stderr: '' })
  const [, dataset = '', table = ''] = cloud.get('BQ_OUTPUT_TABLE').split('.')
  const [rows] = await google.bigquery.dataset(dataset).table(table).getRows()
  expect(rows).toHaveLength(5500)
  const { jobs, running } = await ledger()
  expect({ jobs: jobs.length, running }).toEqual({ jobs: 1, running: 0 })

  const listed = await averageSpeed(cloud, 'list', '--raw-path', rawPath, '--json')
  expect(JSON.parse(listed.stdout)).toMatchObject({ run_id: 'on-postgres', status: 'succeeded' })
}, 300_000)

test('a raw path longer than a keyword may be on PostgreSQL is found in the list', async () => {
  await new Control(cloud.get('DATAPROC_CONTROL_URL')).put('/settings', { jobMode: 'stub', jobMs: 50 })
  const rawPath = `gs://${cloud.get('RAW_BUCKET')}/${'deep/'.repeat(60)}raw-2019-03-01T000000/`
  const time = '2019-03-01 20:00:00 UTC'
  const row = { vendor_id: '2', pickup_datetime: time, dropoff_datetime: time, trip_distance: 2.3 }
  await putObject(google.storage, `${rawPath}trips.json`, `${JSON.stringify(row)}\n`)
  await averageSpeed(cloud, 'trigger', '--run-id', 'long-path', '--raw-path', rawPath, '--wait')
  await until('the run is listed', async () => {
    const { stdout } = await averageSpeed(cloud, 'list', '--raw-path', rawPath, '--json')
    return stdout.includes('"long-path"')
  })
}, 120_000)
