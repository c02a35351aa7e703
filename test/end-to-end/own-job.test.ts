import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { Client, Connection } from '@temporalio/client'
import type { GoogleClients } from '../../src/clients.ts'
import { loadSetupConfig } from '../../src/config.ts'
import { ensure } from '../../src/setup/apply.ts'
import { sparkFiles } from '../../src/setup/script.ts'
import { type AverageSpeedResult, WORKFLOW_TYPE, workflowIdOf } from '../../workflows/contract.ts'
import { googleClientsOf } from '../support/clients.ts'
import { exportBatch } from '../support/demo-batch.ts'
import { startCloud, type TestCloud } from '../support/local-cloud.ts'
import { contents, putObject } from '../support/objects.ts'
import { startWorker, type WorkerProcess } from '../support/worker-process.ts'
import { expectedRows } from './expected-trips.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const EXAMPLES = join(ROOT, 'spark', 'examples')
const MINIMUM_TRIPS = 100
const TABLE = 'local-project.ComposerDemo.trip_totals'

let cloud: TestCloud
let google: GoogleClients
let connection: Connection
let worker: WorkerProcess
let rawPath: string
let result: AverageSpeedResult

// Another script, other arguments, another table: what docs/your-own-job.md says, by configuration alone.
beforeAll(async () => {
  cloud = await startCloud({ services: ['storage', 'temporal', 'dataproc', 'bigquery'] })
  google = googleClientsOf(cloud)
  const script = `gs://${cloud.get('RAW_BUCKET')}/spark-jobs/trip_totals.py`
  await putObject(google.storage, script, readFileSync(join(EXAMPLES, 'trip_totals.py')))
  rawPath = await exportBatch(google, cloud.get('RAW_BUCKET'))
  await putObject(google.storage, `${rawPath}a file [no] trip? {*}.json`, 'this is no trip\n')
  const ownArguments = [
    ...[
      '--input',
      '{raw}',
      '--manifest',
      '{manifest}',
      '--output',
      '{transformed}',
      '--rejected',
      '{rejected}',
    ],
    ...['--minimum-trips', String(MINIMUM_TRIPS)],
  ]
  const variables = {
    CLUSTER_CONFIG_FILE: join(ROOT, 'deploy', 'cluster.example.yaml'),
    SPARK_SCRIPT_URI: script,
    SPARK_ARGUMENTS: JSON.stringify(ownArguments),
    SPARK_PROPERTIES: '{"spark.sql.shuffle.partitions": "2"}',
    JOB_LABELS: 'team=trips',
    BQ_OUTPUT_TABLE: TABLE,
    TABLE_SCHEMA_FILE: join(EXAMPLES, 'trip_totals.schema.json'),
    TABLE_PARTITION_FIELD: 'day',
    TABLE_PARTITION_TYPE: 'MONTH',
    TABLE_CLUSTERING_FIELDS: 'vendor_id',
    CSV_SKIP_LEADING_ROWS: '1',
    CSV_FIELD_DELIMITER: ';',
  }
  const { spark } = loadSetupConfig({ ...cloud.env, ...variables })
  for (const file of sparkFiles(google.storage, spark, '')) await ensure(file)
  worker = await startWorker(cloud, variables)
  connection = await Connection.connect({ address: cloud.get('TEMPORAL_ADDRESS') })
  result = await new Client({ connection }).workflow.execute(WORKFLOW_TYPE, {
    workflowId: workflowIdOf('own-job'),
    taskQueue: 'average-speed',
    args: [{ rawPath }],
  })
}, 180_000)
afterAll(async () => {
  await worker?.stop()
  await connection?.close()
  await google?.close()
  await cloud?.close()
})

/** The totals, computed from the trips here and nowhere else. */
function expectedTotals(): readonly string[] {
  const totals = new Map<string, { trips: number; cents: number; hundredths: number }>()
  for (const { vendor_id, pickup_datetime, trip_distance, total_amount } of expectedRows()) {
    const key = `${vendor_id} ${new Date(Number(pickup_datetime)).toISOString().slice(0, 10)}`
    const total = totals.get(key) ?? { trips: 0, cents: 0, hundredths: 0 }
    total.trips += 1
    total.cents += Math.round(Number(total_amount) * 100)
    total.hundredths += Math.round(Number(trip_distance) * 100)
    totals.set(key, total)
  }
  return [...totals]
    .filter(([, { trips }]) => trips >= MINIMUM_TRIPS)
    .map(([key, { trips, cents, hundredths }]) => `${key} ${trips} ${hundredths / 100} ${cents / 100}`)
    .sort()
}

describe('a job of your own, with real Spark', () => {
  test('puts its own columns into its own table, each row equal to an independent computation', async () => {
    const table = google.bigquery.dataset('ComposerDemo').table('trip_totals')
    const [rows] = await table.getRows()
    const found = rows.map(
      ({ vendor_id, day, trips, miles, revenue }) => `${vendor_id} ${day.value} ${trips} ${miles} ${revenue}`,
    )
    expect(found.length).toBeGreaterThan(10)
    expect(found.sort()).toEqual(expectedTotals())
    const [{ schema, timePartitioning, clustering }] = await table.getMetadata()
    expect(schema.fields.map(({ name, type }: { name: string; type: string }) => `${name} ${type}`)).toEqual([
      'vendor_id STRING',
      'day DATE',
      'trips INTEGER',
      'miles FLOAT',
      'revenue FLOAT',
    ])
    expect({ timePartitioning, clustering }).toEqual({
      timePartitioning: { type: 'MONTH', field: 'day' },
      clustering: { fields: ['vendor_id'] },
    })
  })

  test('P9: says what became of each record, and the counts agree', async () => {
    const rows = expectedTotals().length
    expect(result).toMatchObject({
      rawPath,
      outputTable: TABLE,
      rowsRead: 5501,
      rowsWritten: rows,
      rowsLoaded: rows,
      rowsRejected: 1,
      notCleaned: [],
    })
    const rejects = Object.values(await contents(google.storage, String(result.rejectedPath)))
    expect(rejects.join('')).toBe('{"reason":"the line is not a trip","record":"this is no trip"}\n')
  })

  test('runs as every job does: on one cluster of its own, which is gone; with its files archived', async () => {
    expect(result.clusters).toEqual([expect.objectContaining({ deleted: true })])
    const [jobs] = await google.jobs.listJobs({
      projectId: cloud.get('GOOGLE_CLOUD_PROJECT'),
      region: cloud.get('DATAPROC_REGION'),
    })
    expect(jobs).toHaveLength(1)
    expect(jobs[0]).toMatchObject({
      labels: { team: 'trips', pipeline: 'average-speed' },
      pysparkJob: { properties: { 'spark.sql.shuffle.partitions': '2' } },
    })
    expect(await contents(google.storage, rawPath)).toEqual({})
    expect(result.filesArchived).toBe(4)
  })
})
