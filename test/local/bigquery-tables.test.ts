import type { Dataset } from '@google-cloud/bigquery'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type BigQueryUnderTest, metadataOf, schemaOf, startBigQueryUnderTest } from './bigquery-support.ts'

let under: BigQueryUnderTest
let dataset: Dataset
beforeAll(async () => {
  under = await startBigQueryUnderTest()
  ;[dataset] = await under.bigquery.createDataset('tables_test')
})
afterAll(() => under.close())

describe('datasets', () => {
  test('come back with what they were made with', async () => {
    const options = { location: 'EU', description: 'Some tables', labels: { team: 'data' } }
    const [created] = await under.bigquery.createDataset('kept', options)
    const [metadata] = await created.getMetadata()
    expect(metadata).toMatchObject({
      kind: 'bigquery#dataset',
      id: 'local-project:kept',
      datasetReference: { projectId: 'local-project', datasetId: 'kept' },
      ...options,
    })
  })

  test('are listed by project, page by page', async () => {
    const [first, next] = await under.bigquery.getDatasets({ maxResults: 1, autoPaginate: false })
    expect(first).toHaveLength(1)
    expect(next).toMatchObject({ pageToken: expect.any(String) })
    const [all] = await under.bigquery.getDatasets()
    expect(all.map(({ id }) => id)).toEqual(expect.arrayContaining(['ComposerDemo', 'tables_test']))
    const [publicOnes] = await under.bigquery.getDatasets({ projectId: 'nyc-tlc' })
    expect(publicOnes.map(({ id }) => id)).toEqual(['yellow'])
  })

  test('exist once, have names that are allowed, and are not found before', async () => {
    const { bigquery } = under
    await expect(bigquery.createDataset('tables_test')).rejects.toMatchObject({
      code: 409,
      message: 'Already Exists: Dataset local-project:tables_test',
      errors: [{ reason: 'duplicate', domain: 'global' }],
    })
    await expect(bigquery.createDataset('not-allowed')).rejects.toMatchObject({
      code: 400,
      message: expect.stringContaining('Invalid dataset ID "not-allowed"'),
    })
    await expect(bigquery.dataset('nowhere').getMetadata()).rejects.toMatchObject({
      code: 404,
      message: 'Not found: Dataset local-project:nowhere',
      errors: [{ reason: 'notFound' }],
    })
    await expect(bigquery.dataset('nowhere').exists()).resolves.toEqual([false])
  })

  test('take changes of labels one by one', async () => {
    await dataset.setMetadata({ labels: { a: '1', b: '2' } })
    const [changed] = await dataset.setMetadata({ labels: { a: null, c: '' }, description: 'Changed' })
    expect(changed).toMatchObject({ labels: { b: '2', c: '' }, description: 'Changed' })
  })

  test('with tables are deleted only with their content', async () => {
    const [full] = await under.bigquery.createDataset('full')
    await full.createTable('t', { schema: schemaOf('a STRING') })
    await expect(full.delete()).rejects.toMatchObject({
      code: 400,
      errors: [{ reason: 'resourceInUse', message: 'Dataset local-project:full is still in use' }],
    })
    await full.delete({ force: true })
    await expect(full.exists()).resolves.toEqual([false])
  })
})

describe('tables', () => {
  test('come back with schema, partitioning, clustering and labels, by the legacy names of types', async () => {
    const options = {
      timePartitioning: { type: 'DAY', field: 't' },
      clustering: { fields: ['i'] },
      labels: { pipeline: 'average-speed' },
      description: 'Trips',
    }
    const [table] = await dataset.createTable('nyc-tlc-yellow-trips', {
      schema: schemaOf('i INT64 REQUIRED, f FLOAT64, b BOOL, t TIMESTAMP, s STRING'),
      ...options,
    })
    expect(await metadataOf(table)).toMatchObject({
      id: 'local-project:tables_test.nyc-tlc-yellow-trips',
      type: 'TABLE',
      numRows: '0',
      numBytes: '0',
      location: 'US',
      ...options,
      schema: {
        fields: [
          { name: 'i', type: 'INTEGER', mode: 'REQUIRED' },
          { name: 'f', type: 'FLOAT', mode: 'NULLABLE' },
          { name: 'b', type: 'BOOLEAN', mode: 'NULLABLE' },
          { name: 't', type: 'TIMESTAMP', mode: 'NULLABLE' },
          { name: 's', type: 'STRING', mode: 'NULLABLE' },
        ],
      },
    })
  })

  test('are listed with their labels', async () => {
    const [tables] = await dataset.getTables()
    expect(tables.map(({ metadata }) => metadata.labels)).toContainEqual({ pipeline: 'average-speed' })
  })

  test('exist once, are not found before, and their names are case-sensitive', async () => {
    await dataset.createTable('once', { schema: schemaOf('a STRING') })
    await expect(dataset.createTable('once', {})).rejects.toMatchObject({
      code: 409,
      message: 'Already Exists: Table local-project:tables_test.once',
    })
    await expect(dataset.table('Once').getMetadata()).rejects.toMatchObject({
      code: 404,
      message: 'Not found: Table local-project:tables_test.Once',
    })
    await dataset.createTable('Once', { schema: schemaOf('b INTEGER') })
    expect((await metadataOf(dataset.table('once'))).schema?.fields?.[0]?.name).toBe('a')
    await dataset.table('Once').delete()
    await dataset.table('once').delete()
    await expect(dataset.table('once').delete()).rejects.toMatchObject({ code: 404 })
  })

  test('refuse schemas that BigQuery refuses, and those that the stand-in does not have', async () => {
    for (const [schema, message] of [
      ['a-b STRING', /Invalid field name "a-b"/],
      ['a STRING, A INTEGER', /Field A already exists in schema/],
      ['a TEXT', /TEXT is not a valid value/],
      ['a STRING REPEATED', /Field a has mode REPEATED/],
    ] as const) {
      await expect(dataset.createTable('refused', { schema: schemaOf(schema) })).rejects.toMatchObject({
        code: 400,
        message: expect.stringMatching(message),
        errors: [{ reason: 'invalid' }],
      })
    }
  })

  test('take new columns, and nothing that would break old rows', async () => {
    const [table] = await dataset.createTable('grows', { schema: schemaOf('a STRING, b INTEGER REQUIRED') })
    await under.bigquery.query("INSERT INTO tables_test.grows (a, b) VALUES ('x', 1)")
    await table.setMetadata({ schema: schemaOf('a STRING, b INTEGER, c FLOAT') })
    expect((await table.getRows())[0]).toEqual([{ a: 'x', b: 1, c: null }])
    const about = 'Provided Schema does not match Table local-project:tables_test.grows.'
    for (const [schema, why] of [
      ['a STRING, b INTEGER', 'Field c is missing in new schema'],
      ['a STRING, b STRING, c FLOAT', 'Field b has changed type from INTEGER to STRING'],
      ['a STRING REQUIRED, b INTEGER, c FLOAT', 'Field a has changed mode from NULLABLE to REQUIRED'],
      [
        'a STRING, b INTEGER, c FLOAT, d DATE REQUIRED',
        'Cannot add required fields to an existing schema. (field: d)',
      ],
    ] as const) {
      await expect(table.setMetadata({ schema: schemaOf(schema) })).rejects.toMatchObject({
        code: 400,
        message: `${about} ${why}`,
      })
    }
  })

  test('refuse a change to a state that has passed', async () => {
    const [table] = await dataset.createTable('contended', { schema: schemaOf('a STRING') })
    const { etag } = await metadataOf(table)
    await table.setMetadata({ description: 'first' })
    const url = `${under.endpoint}/bigquery/v2/projects/local-project/datasets/tables_test/tables/contended`
    const headers = { 'content-type': 'application/json', 'if-match': etag ?? '' }
    const stale = await fetch(url, { method: 'PATCH', headers, body: '{"description":"second"}' })
    expect(stale.status).toBe(412)
    expect(await stale.json()).toMatchObject({
      error: { code: 412, status: 'FAILED_PRECONDITION', errors: [{ reason: 'conditionNotMet' }] },
    })
  })
})

describe('rows of a table', () => {
  test('are paged, and the pages together are the table', async () => {
    const trips = under.bigquery.dataset('yellow', { projectId: 'nyc-tlc' }).table('trips')
    const [page, next] = await trips.getRows({ maxResults: 2000, autoPaginate: false })
    expect(page).toHaveLength(2000)
    expect(next).toMatchObject({ pageToken: expect.any(String) })
    const [second, last] = await trips.getRows({ ...next, autoPaginate: false })
    const [third, none] = await trips.getRows({ ...last, autoPaginate: false })
    expect([...page, ...second, ...third]).toEqual((await trips.getRows())[0])
    expect(none).toBeNull()
    const [some] = await trips.getRows({ startIndex: '5498', selectedFields: 'vendor_id,fare_amount' })
    expect(some).toHaveLength(2)
    expect(Object.keys(some[0])).toEqual(['vendor_id', 'fare_amount'])
  })

  test('give times as floats, as integers or as text, as asked', async () => {
    const url = `${under.endpoint}/bigquery/v2/projects/nyc-tlc/datasets/yellow/tables/trips/data?maxResults=1&selectedFields=pickup_datetime`
    const value = async (query: string) => {
      const response = await fetch(`${url}${query}`)
      const { rows } = (await response.json()) as { rows: { f: { v: string }[] }[] }
      return rows[0]?.f[0]?.v
    }
    expect(Number(await value(''))).toBe(1551398609)
    expect(await value('&formatOptions.useInt64Timestamp=true')).toBe('1551398609000000')
    expect(await value('&formatOptions.timestampOutputFormat=ISO8601_STRING')).toBe(
      '2019-03-01T00:03:29.000000Z',
    )
  })

  test('are refused for a token that the stand-in did not give', async () => {
    const trips = under.bigquery.dataset('yellow', { projectId: 'nyc-tlc' }).table('trips')
    await expect(trips.getRows({ pageToken: 'nonsense' })).rejects.toMatchObject({ code: 400 })
  })
})

test('who asks is told which permissions he has on a table', async () => {
  const [table] = await dataset.createTable('permitted', { schema: schemaOf('a STRING') })
  const wanted = ['bigquery.tables.get', 'bigquery.tables.updateData']
  const ask = async (): Promise<unknown> => (await table.testIamPermissions(wanted))[0]
  await expect(ask()).resolves.toEqual({ permissions: wanted })
  await under.set({ deniedPermissions: ['bigquery.tables.updateData'] })
  await expect(ask()).resolves.toEqual({ permissions: ['bigquery.tables.get'] })
  await under.set({ deniedPermissions: wanted })
  await expect(ask()).resolves.toEqual({})
  await under.reset()
})
