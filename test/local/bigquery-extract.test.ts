import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { contents } from '../support/objects.ts'
import { type BigQueryUnderTest, ended, startBigQueryUnderTest } from './bigquery-support.ts'

const SAMPLE = join(import.meta.dirname, '..', '..', 'local', 'sample', 'nyc-tlc-yellow-2019-03.ndjson.gz')
const BUCKET = 'gs://local-project-raw'

let under: BigQueryUnderTest
beforeAll(async () => {
  under = await startBigQueryUnderTest()
})
beforeEach(() => under.reset())
afterAll(() => under.close())

async function extract(table: string, destinationUri: string, more: object = {}) {
  const [projectId = '', datasetId = '', tableId = ''] = table.split('.')
  const sourceTable = { projectId, datasetId, tableId }
  const [job] = await under.bigquery.createJob({
    configuration: { extract: { sourceTable, destinationUris: [destinationUri], ...more } },
  })
  return ended(job)
}

const JSON_LINES = { destinationFormat: 'NEWLINE_DELIMITED_JSON' }

describe('an extract of the public trips', () => {
  test('to a wildcard makes numbered files that together are the sample, byte for byte', async () => {
    const job = await extract('nyc-tlc.yellow.trips', `${BUCKET}/lab/raw-x/nyc-tlc-yellow-*.json`, JSON_LINES)
    expect(job.status).toEqual({ state: 'DONE' })
    expect(job.statistics?.extract).toMatchObject({ destinationUriFileCounts: ['3'] })
    const files = await contents(under.storage, `${BUCKET}/lab/raw-x/`)
    expect(Object.keys(files)).toEqual([
      'nyc-tlc-yellow-000000000000.json',
      'nyc-tlc-yellow-000000000001.json',
      'nyc-tlc-yellow-000000000002.json',
    ])
    expect(Object.values(files).join('')).toBe(String(gunzipSync(readFileSync(SAMPLE))))
  })

  test('makes as many files as a test asks for, gzipped if told so', async () => {
    await under.set({ extractRowsPerFile: 550 })
    const uri = `${BUCKET}/ten/part-*.json.gz`
    const job = await extract('nyc-tlc.yellow.trips', uri, { ...JSON_LINES, compression: 'GZIP' })
    expect(job.statistics?.extract?.destinationUriFileCounts).toEqual(['10'])
    const [content] = await under.storage
      .bucket('local-project-raw')
      .file('ten/part-000000000009.json.gz')
      .download()
    expect(String(gunzipSync(content)).split('\n')).toHaveLength(551)
  })
})

describe('an extract', () => {
  test('of every type writes what BigQuery writes', async () => {
    await under.bigquery.query(
      `CREATE TABLE ComposerDemo.types AS SELECT 'a"b' AS s, 9007199254740993 AS i, 0.1 AS f, 10.0 AS w, TRUE AS b,
       TIMESTAMP '2019-03-23 20:21:09.250 UTC' AS t, DATE '2019-03-23' AS d, DATETIME '2019-03-23 20:21:09' AS dt,
       TIME '20:21:09' AS tm, NUMERIC '1.50' AS n, b'ab' AS x, CAST(NULL AS STRING) AS nil, '' AS e`,
    )
    await extract('local-project.ComposerDemo.types', `${BUCKET}/types/one.json`, JSON_LINES)
    await extract('local-project.ComposerDemo.types', `${BUCKET}/types/one.csv`)
    await extract('local-project.ComposerDemo.types', `${BUCKET}/types/bare.csv`, {
      printHeader: false,
      fieldDelimiter: '|',
    })
    const cells = [
      '"a""b"',
      '9007199254740993',
      '0.1',
      '10.0',
      'true',
      '2019-03-23 20:21:09.25 UTC',
      '2019-03-23',
    ]
    const row = [...cells, '2019-03-23T20:21:09', '20:21:09', '1.5', 'YWI=', '', '""']
    expect(await contents(under.storage, `${BUCKET}/types/`)).toEqual({
      'one.json':
        '{"s":"a\\"b","i":"9007199254740993","f":0.1,"w":10.0,"b":true,"t":"2019-03-23 20:21:09.25 UTC","d":"2019-03-23","dt":"2019-03-23T20:21:09","tm":"20:21:09","n":"1.5","x":"YWI=","e":""}\n',
      'one.csv': `s,i,f,w,b,t,d,dt,tm,n,x,nil,e\n${row.join(',')}\n`,
      'bare.csv': `${row.join('|')}\n`,
    })
  })

  test('of a missing table is refused, into a missing bucket fails', async () => {
    await expect(extract('local-project.ComposerDemo.none', `${BUCKET}/x`)).rejects.toMatchObject({
      code: 404,
      message: 'Not found: Table local-project:ComposerDemo.none',
    })
    const { status } = await extract('nyc-tlc.yellow.trips', 'gs://no-such-bucket/x')
    expect(status?.errorResult).toMatchObject({ reason: 'notFound' })
    await expect(extract('nyc-tlc.yellow.trips', 'gs://b/*/*')).rejects.toMatchObject({ code: 400 })
  })
})
