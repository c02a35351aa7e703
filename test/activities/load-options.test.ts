import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { loadWorkerConfig } from '../../src/config.ts'
import { startWarehouseBench, type WarehouseBench } from './warehouse-bench.ts'

const { load } = loadWorkerConfig({
  GOOGLE_CLOUD_PROJECT: 'some-project',
  RAW_BUCKET: 'raw',
  PROCESSED_BUCKET: 'processed',
  STATE_BUCKET: 'state',
  BQ_OUTPUT_TABLE: 'some-project.Demo.trips',
  TABLE_PARTITION_FIELD: 'pickup_datetime',
  TABLE_PARTITION_TYPE: 'MONTH',
  TABLE_PARTITION_EXPIRATION_DAYS: '400',
  TABLE_CLUSTERING_FIELDS: 'vendor_id, payment_type',
  TABLE_LABELS: 'team=trips,cost-center=4711',
  JOB_LABELS: 'team=trips',
})

let bench: WarehouseBench
let outputTable: string
let batches = 0
beforeAll(async () => {
  bench = await startWarehouseBench(load)
})
beforeEach(async () => {
  await bench.reset()
  outputTable = bench.table()
})
afterAll(() => bench?.close())

const next = (more: object = {}) =>
  bench.ready({ rawPath: `options/raw-${String(++batches).padStart(4, '0')}`, outputTable, ...more })

const table = () => {
  const [, dataset = '', name = ''] = outputTable.split('.')
  return bench.google.bigquery.dataset(dataset).table(name)
}

describe('a table as the deployment wants it', () => {
  test('is made by the first load, partitioned, clustered and labelled; the load carries the job labels', async () => {
    const { jobId } = await bench.load(await next())
    const [metadata] = await table().getMetadata()
    expect(metadata).toMatchObject({
      timePartitioning: { type: 'MONTH', field: 'pickup_datetime', expirationMs: '34560000000' },
      clustering: { fields: ['vendor_id', 'payment_type'] },
      labels: { team: 'trips', 'cost-center': '4711' },
      numRows: '2',
    })
    const [job] = await bench.google.bigquery.job(jobId ?? '').getMetadata()
    expect(job.configuration).toMatchObject({
      labels: { team: 'trips', pipeline: 'average-speed', rows_written: '2' },
    })
  })

  test.each(['WRITE_APPEND', 'WRITE_TRUNCATE'])('takes another load by %s', async (writeDisposition) => {
    await bench.load(await next({ writeDisposition }))
    await bench.load(await next({ writeDisposition }))
    expect(await bench.rowsIn(outputTable)).toBe(writeDisposition === 'WRITE_APPEND' ? 4 : 2)
  })

  test('keeps the labels that its owner has given it since, and its expiration', async () => {
    await bench.load(await next())
    await table().setMetadata({
      labels: { team: 'others' },
      timePartitioning: { type: 'MONTH', field: 'pickup_datetime' },
    })
    await bench.load(await next())
    const [metadata] = await table().getMetadata()
    expect(metadata).toMatchObject({ labels: { team: 'others', 'cost-center': '4711' }, numRows: '2' })
    expect(metadata.timePartitioning).toEqual({ type: 'MONTH', field: 'pickup_datetime' })
  })

  test.each(['WRITE_APPEND', 'WRITE_TRUNCATE'])(
    'that is there with another layout is SchemaMismatch by %s, and stays as it is',
    async (writeDisposition) => {
      const { schema } = load.table
      await table().create({
        schema: { fields: [...schema.fields] },
        timePartitioning: { type: 'DAY' },
        labels: { state_bucket: bench.cloud.get('STATE_BUCKET') },
      })
      await expect(bench.load(await next({ writeDisposition }))).rejects.toMatchObject({
        type: 'SchemaMismatch',
        nonRetryable: true,
        message: expect.stringMatching(/Incompatible table partitioning.*Set them as the table is/s),
      })
      const [metadata] = await table().getMetadata()
      expect(metadata).toMatchObject({ timePartitioning: { type: 'DAY' }, numRows: '0' })
    },
  )

  test('P7: does not make a batch that is loaded another one when the deployment changes its mind', async () => {
    const batch = await next({ writeDisposition: 'WRITE_APPEND' })
    const first = await bench.load(batch)
    const { schema } = load.table
    const changed = bench.withLoad({ table: { schema }, csv: {}, jobLabels: {} })
    const { plan, attempt, output } = batch
    expect(await changed.call('loadTable', [plan, attempt, output])).toEqual(first)
    expect(await bench.rowsIn(outputTable)).toBe(2)
  })
})
