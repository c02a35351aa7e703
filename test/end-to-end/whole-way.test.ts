import type { BigQueryTimestamp } from '@google-cloud/bigquery'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { GoogleClients } from '../../src/clients.ts'
import { googleClientsOf } from '../support/clients.ts'
import { exportBatch } from '../support/demo-batch.ts'
import { startCloud, type TestCloud } from '../support/local-cloud.ts'
import { averageSpeed, type CommandOutcome } from '../support/trigger.ts'
import { COLUMNS, expectedRows, fingerprint, type Row } from './expected-trips.ts'

interface Ledger {
  readonly running: number
  readonly clusters: readonly { readonly deleted?: string; readonly deleteRequested?: string }[]
}

let cloud: TestCloud
let google: GoogleClients
let rawPath: string
let rawBytes: Map<string, string>
let trigger: CommandOutcome

beforeAll(async () => {
  cloud = await startCloud({
    services: ['storage', 'identity', 'temporal', 'dataproc', 'bigquery', 'worker', 'gateway'],
  })
  google = googleClientsOf(cloud)
  rawPath = await exportBatch(google, cloud.get('RAW_BUCKET'))
  rawBytes = await checksums(rawPath)
  trigger = await averageSpeed(cloud, 'trigger', '--run-id', 'whole-way', '--raw-path', rawPath, '--wait')
}, 120_000)
afterAll(async () => {
  await google?.close()
  await cloud?.close()
})

/** Checksum by file name of all that lies under a folder. */
async function checksums(folder: string): Promise<Map<string, string>> {
  const [, bucket = '', prefix = ''] = /^gs:\/\/([^/]+)\/(.*)$/.exec(folder) ?? []
  const [files] = await google.storage.bucket(bucket).getFiles({ prefix })
  return new Map(files.map(({ name, metadata }) => [name.slice(prefix.length), String(metadata.crc32c)]))
}

async function ledger(): Promise<Ledger> {
  return (await (await fetch(`${cloud.get('DATAPROC_CONTROL_URL')}/ledger`)).json()) as Ledger
}

describe('one POST, with real Spark', () => {
  test('ends well, and the trigger shows the steps', () => {
    expect(trigger.stderr).toBe('')
    expect(trigger.code).toBe(0)
    for (const step of ['describeRawFiles', 'createCluster', 'runSparkJob', 'loadTable', 'archiveRawFiles']) {
      expect(trigger.stdout).toContain(step)
    }
  })

  test('puts 5,500 rows into BigQuery, each equal to an independent computation', async () => {
    const [, dataset = '', table = ''] = cloud.get('BQ_OUTPUT_TABLE').split('.')
    const [rows] = await google.bigquery.dataset(dataset).table(table).getRows()
    const found = rows.map(plainRow)
    expect(found).toHaveLength(5500)
    expect(found.map(fingerprint).sort()).toEqual(expectedRows().map(fingerprint).sort())
    const speeds = found.map(({ average_speed }) => average_speed)
    expect(speeds.filter((speed) => speed === null)).toHaveLength(0)
    expect(speeds.filter((speed) => speed === 0)).toHaveLength(29)
    expect(speeds.reduce<number>((sum, speed) => sum + Number(speed), 0)).toBeCloseTo(73564.2990720707, 6)
  })

  test('P8: archives the raw files with their bytes, and leaves nothing in raw and transformed', async () => {
    const day = new Date().toISOString().slice(0, 10)
    const archived = rawPath
      .replace(cloud.get('RAW_BUCKET'), cloud.get('PROCESSED_BUCKET'))
      .replace('/raw-', `/processed_date=${day}/raw-`)
    expect(rawBytes.size).toBeGreaterThan(1)
    expect(await checksums(archived)).toEqual(rawBytes)
    expect(await checksums(rawPath)).toEqual(new Map())
    expect(await checksums(rawPath.replace('/raw-', '/transformed-'))).toEqual(new Map())
    expect(await checksums(rawPath.replace('/raw-', '/rejected-'))).toEqual(new Map())
  })

  test('P3, P5: used one cluster, which is gone, and whose deletion was asked for before the load had ended', async () => {
    const { clusters, running } = await ledger()
    expect(running).toBe(0)
    expect(clusters).toHaveLength(1)
    expect(clusters[0]?.deleted).toBeDefined()
    const [jobs] = await google.bigquery.getJobs()
    const load = jobs.find(
      ({ metadata }) => metadata.configuration?.jobType === 'LOAD' || metadata.configuration?.load,
    )
    const [{ statistics }] = (await load?.getMetadata()) ?? [{}]
    expect(Date.parse(clusters[0]?.deleteRequested ?? '')).toBeLessThan(Number(statistics.endTime))
  })

  test('P1: posting the same run id again names the same run, and starts nothing', async () => {
    const again = await averageSpeed(
      cloud,
      'trigger',
      '--run-id',
      'whole-way',
      '--raw-path',
      rawPath,
      '--wait',
    )
    expect(again.code).toBe(0)
    expect((await ledger()).clusters).toHaveLength(1)
  })

  test('a second batch is a second run', async () => {
    const second = await exportBatch(google, cloud.get('RAW_BUCKET'))
    const outcome = await averageSpeed(cloud, 'trigger', '--raw-path', second, '--wait', '--json')
    expect(outcome.code).toBe(0)
    expect((await ledger()).clusters).toHaveLength(2)
    const last = JSON.parse(outcome.stdout.trimEnd().split('\n').at(-1) ?? '{}')
    expect(last.result).toMatchObject({ rows_loaded: 5500, replaced_batch: rawPath })
  })

  test('P7: another run of a batch that is loaded and archived loads nothing again', async () => {
    const outcome = await averageSpeed(cloud, 'trigger', '--raw-path', rawPath, '--wait', '--json')
    const last = JSON.parse(outcome.stdout.trimEnd().split('\n').at(-1) ?? '{}')
    expect(last.result).toMatchObject({ loaded_before: true, rows_loaded: 5500 })
    expect((await ledger()).clusters).toHaveLength(2)
  })
})

function plainRow(row: Readonly<Record<string, unknown>>): Row {
  return Object.fromEntries(
    COLUMNS.map((column) => {
      const value = row[column]
      return [column, column.endsWith('datetime') ? Date.parse((value as BigQueryTimestamp).value) : value]
    }),
  ) as Row
}
