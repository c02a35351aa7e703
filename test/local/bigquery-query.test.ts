import { BigQuery, type QueryRowsResponse } from '@google-cloud/bigquery'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { type BigQueryUnderTest, ended, plain, startBigQueryUnderTest } from './bigquery-support.ts'

let under: BigQueryUnderTest
beforeAll(async () => {
  under = await startBigQueryUnderTest()
  await under.bigquery.query(
    'CREATE TABLE `local-project.ComposerDemo.some-trips` (id INT64, speed FLOAT64, seen TIMESTAMP, kind STRING)',
  )
  await under.bigquery.query(
    `INSERT INTO ComposerDemo.some-trips (id, speed, seen, kind) VALUES
     (1, 10.5, TIMESTAMP '2019-03-23 20:21:09 UTC', 'a'), (2, 0, TIMESTAMP '2019-03-23 20:31:09.5 UTC', 'b'),
     (3, NULL, NULL, 'a')`,
  )
})
beforeEach(() => under.reset())
afterAll(() => under.close())

async function query(sql: string, more: object = {}): Promise<Record<string, unknown>[]> {
  const [rows] = await under.bigquery.query({ query: sql, ...more })
  return rows.map(plain)
}

async function refusal(sql: string, more: object = {}): Promise<unknown> {
  return query(sql, more).catch((error: unknown) => error)
}

describe('a query', () => {
  test.each([
    'local-project.ComposerDemo.some-trips',
    '`local-project.ComposerDemo.some-trips`',
    '`local-project`.ComposerDemo.`some-trips`',
    'ComposerDemo.some-trips',
    '`ComposerDemo.some-trips` AS t',
  ])('finds the table %s', async (name) => {
    expect(await query(`SELECT COUNT(*) AS n FROM ${name}`)).toEqual([{ n: 3 }])
  })

  test('finds a table by its bare name in the default dataset', async () => {
    const defaultDataset = { projectId: 'local-project', datasetId: 'ComposerDemo' }
    expect(await query('SELECT COUNT(*) AS n FROM `some-trips`', { defaultDataset })).toEqual([{ n: 3 }])
  })

  test('counts, sums and compares as checks of the pipeline do', async () => {
    const [row] = await query(
      `SELECT COUNT(*) AS n, COUNTIF(speed IS NULL) AS missing, COUNTIF(speed = 0) AS zero, SUM(speed) AS total,
       MAX(id) AS top, SAFE_DIVIDE(SUM(speed), 0) AS nothing, FORMAT_TIMESTAMP('%F %T', MIN(seen)) AS first,
       TIMESTAMP_DIFF(MAX(seen), MIN(seen), SECOND) AS seconds, COUNT(DISTINCT kind) AS kinds
       FROM ComposerDemo.some-trips WHERE seen IS NULL OR seen >= TIMESTAMP('2019-01-01')`,
    )
    expect(row).toEqual({
      n: 3,
      missing: 1,
      zero: 1,
      total: 10.5,
      top: 3,
      nothing: null,
      first: '2019-03-23 20:21:09',
      seconds: 600,
      kinds: 2,
    })
  })

  test('returns every type as the client expects it', async () => {
    const [row] = await query(
      `SELECT 1 AS i, 1.5 AS f, TRUE AS b, "a'b" AS s, r'\\d' AS r, DATE '2019-03-23' AS d, TIME '10:00:00' AS tm,
       DATETIME '2019-03-23 10:00:00' AS dt, TIMESTAMP '2019-03-23 10:00:00.000001+01' AS t, NUMERIC '1.50' AS n,
       b'\\x00a' AS x, JSON '{"a": 1}' AS j, CAST(NULL AS STRING) AS nil, CAST('7' AS INT64) AS c,
       SAFE_CAST('x' AS INT64) AS sc, CAST('nan' AS FLOAT64) AS nan`,
    )
    const { n, ...others } = row ?? {}
    expect(String(n)).toBe('1.5')
    expect(others).toEqual({
      i: 1,
      f: 1.5,
      b: true,
      s: "a'b",
      r: '\\d',
      d: '2019-03-23',
      tm: '10:00:00',
      dt: '2019-03-23T10:00:00',
      t: '2019-03-23T09:00:00.000001000Z',
      x: Buffer.from('\0a'),
      j: '{"a": 1}',
      nil: null,
      c: 7,
      sc: null,
      nan: Number.NaN,
    })
  })

  test('names columns without a name in order', async () => {
    const [row] = await query(
      'SELECT COUNT(*), MAX(id) AS top, MIN(id) low, 1 + 1, kind FROM ComposerDemo.some-trips GROUP BY kind',
    )
    expect(Object.keys(row ?? {})).toEqual(['f0_', 'top', 'low', 'f1_', 'kind'])
  })

  test('leaves columns out, joins, nests, and puts nulls first', async () => {
    expect(
      await query('SELECT * EXCEPT (seen, kind) FROM ComposerDemo.some-trips ORDER BY speed, id'),
    ).toEqual([
      { id: 3, speed: null },
      { id: 2, speed: 0 },
      { id: 1, speed: 10.5 },
    ])
    const rows = await query(
      `WITH totals AS (SELECT kind, COUNT(*) AS n FROM ComposerDemo.some-trips GROUP BY kind)
       SELECT t.id, totals.n FROM ComposerDemo.some-trips AS t JOIN totals USING (kind) -- a comment
       WHERE t.id IN (SELECT MAX(id) FROM ComposerDemo.some-trips) LIMIT 5 OFFSET 0`,
    )
    expect(rows).toEqual([{ id: 3, n: 2 }])
    expect(await query('SELECT 1 AS x UNION ALL SELECT 2 EXCEPT DISTINCT SELECT 2')).toEqual([{ x: 1 }])
  })

  test('takes named and positional parameters', async () => {
    const params = {
      id: 2,
      kind: "o'b",
      since: BigQuery.timestamp('2019-01-01T00:00:00Z'),
      zero: 0,
      none: null,
    }
    const types = { none: 'STRING' }
    expect(
      await query('SELECT @id + 1 AS id, @kind AS kind, @since AS since, @zero AS zero, @none AS none', {
        params,
        types,
      }),
    ).toEqual([{ id: 3, kind: "o'b", since: '2019-01-01T00:00:00.000Z', zero: 0, none: null }])
    expect(
      await query('SELECT id FROM ComposerDemo.some-trips WHERE id > ? AND kind = ?', { params: [1, 'a'] }),
    ).toEqual([{ id: 3 }])
    expect(await refusal('SELECT @missing')).toMatchObject({
      code: 400,
      message: "Query parameter 'missing' not found at [1:8]",
    })
  })

  test('tells what a dataset holds', async () => {
    expect(
      await query(
        "SELECT column_name, data_type, is_nullable FROM ComposerDemo.INFORMATION_SCHEMA.COLUMNS WHERE table_name = 'some-trips' ORDER BY ordinal_position LIMIT 2",
      ),
    ).toEqual([
      { column_name: 'id', data_type: 'INT64', is_nullable: 'YES' },
      { column_name: 'speed', data_type: 'FLOAT64', is_nullable: 'YES' },
    ])
    expect(
      await query('SELECT table_name FROM yellow.INFORMATION_SCHEMA.TABLES').catch(({ code }) => code),
    ).toBe(404)
    expect(await query('SELECT table_name FROM `nyc-tlc`.yellow.INFORMATION_SCHEMA.TABLES')).toEqual([
      { table_name: 'trips' },
    ])
  })
})

describe('results', () => {
  test('are paged, and the pages together are the result in order', async () => {
    const sql =
      'SELECT pickup_datetime, trip_distance FROM `nyc-tlc.yellow.trips` ORDER BY pickup_datetime, trip_distance'
    const [job] = await under.bigquery.createQueryJob(sql)
    const pages: Record<string, unknown>[][] = []
    let next: object | null | undefined = { maxResults: 2500, autoPaginate: false }
    while (next) {
      const answer: QueryRowsResponse = await job.getQueryResults(next)
      pages.push(answer[0].map(plain))
      next = answer[1]
    }
    expect(pages.map(({ length }) => length)).toEqual([2500, 2500, 500])
    const times = pages.flat().map((row) => String(row['pickup_datetime']))
    expect(times).toEqual([...times].sort())
    const [last] = await job.getQueryResults({ startIndex: '5499', maxResults: 10 })
    expect(last.map(plain)).toEqual(pages.flat().slice(-1))
  })

  test('of a slow query are waited for, or not, as the caller says', async () => {
    await under.set({ queryMs: 400 })
    expect(await query('SELECT 1 AS x')).toEqual([{ x: 1 }])
    await expect(under.bigquery.query('SELECT 1 AS x', { timeoutMs: 1 })).rejects.toThrow(
      /did not complete before 1ms/,
    )
  })

  test('go to a table when one is named, which the dispositions guard', async () => {
    const destination = under.bigquery.dataset('ComposerDemo').table('copied')
    const copy = async (writeDisposition: string) => {
      const sql = 'SELECT id, kind FROM ComposerDemo.some-trips'
      const [job] = await under.bigquery.createQueryJob({ query: sql, destination, writeDisposition })
      return (await ended(job)).status?.errorResult?.reason ?? 'done'
    }
    expect(await copy('WRITE_EMPTY')).toBe('done')
    expect(await copy('WRITE_EMPTY')).toBe('duplicate')
    expect(await copy('WRITE_APPEND')).toBe('done')
    expect(await query('SELECT COUNT(*) AS n FROM ComposerDemo.copied')).toEqual([{ n: 6 }])
    expect(await copy('WRITE_TRUNCATE')).toBe('done')
    const [metadata] = await destination.getMetadata()
    expect(metadata).toMatchObject({
      numRows: '3',
      schema: { fields: [{ name: 'id', type: 'INTEGER' }, { name: 'kind' }] },
    })
  })

  test('may replace the very table that they come from', async () => {
    await query('CREATE OR REPLACE TABLE ComposerDemo.self AS SELECT 1 AS x UNION ALL SELECT 2')
    await query(
      'CREATE OR REPLACE TABLE ComposerDemo.self AS SELECT x * 10 AS x FROM ComposerDemo.self WHERE x > 1',
    )
    expect(await query('SELECT x FROM ComposerDemo.self')).toEqual([{ x: 20 }])
  })

  test('of a dry run are a schema and a number of bytes', async () => {
    const [job] = await under.bigquery.createQueryJob({
      query: 'SELECT id FROM ComposerDemo.some-trips',
      dryRun: true,
    })
    expect(job.metadata).toMatchObject({
      status: { state: 'DONE' },
      statistics: {
        totalBytesProcessed: expect.stringMatching(/^[1-9]\d*$/),
        query: { statementType: 'SELECT', schema: { fields: [{ name: 'id', type: 'INTEGER' }] } },
      },
    })
  })
})

describe('changes', () => {
  test('are counted and seen', async () => {
    await query('CREATE TABLE ComposerDemo.changing (x INT64 NOT NULL, y STRING)')
    const affected = async (sql: string) => {
      const [job] = await under.bigquery.createQueryJob(sql)
      await job.getQueryResults()
      return (await ended(job)).statistics?.query?.numDmlAffectedRows
    }
    expect(await affected("INSERT ComposerDemo.changing (x, y) VALUES (1, 'a'), (2, 'b'), (3, 'c')")).toBe(
      '3',
    )
    expect(await affected("UPDATE ComposerDemo.changing SET y = 'z' WHERE x > 1")).toBe('2')
    expect(await affected('DELETE ComposerDemo.changing WHERE x = 3')).toBe('1')
    expect(await query('SELECT * FROM ComposerDemo.changing ORDER BY x')).toEqual([
      { x: 1, y: 'a' },
      { x: 2, y: 'z' },
    ])
    await query('TRUNCATE TABLE ComposerDemo.changing')
    const [metadata] = await under.bigquery.dataset('ComposerDemo').table('changing').getMetadata()
    expect(metadata.numRows).toBe('0')
    await query('DROP TABLE ComposerDemo.changing')
    await query('DROP TABLE IF EXISTS ComposerDemo.changing')
    expect(await refusal('DROP TABLE ComposerDemo.changing')).toMatchObject({ code: 404 })
  })
})

describe('a statement that cannot run', () => {
  test.each([
    ['SELEC 1', 'Syntax error: Unexpected identifier "SELEC" at [1:1]'],
    ['SELECT 1 +', 'Syntax error: Unexpected end of script'],
    ['SELECT\n  1 FROM FROM x', 'Syntax error: Unexpected keyword FROM at [2:10]'],
    ["SELECT 'open", 'Syntax error: Unclosed string literal at [1:8]'],
    ['SELECT speeed FROM ComposerDemo.some-trips', 'Unrecognized name: speeed at [1:8]'],
    ['SELECT NOFUNC(1)', 'Function not found: NOFUNC at [1:8]'],
    [
      'SELECT 1 AS x, 2 AS x',
      'Duplicate column names in the result are not supported. Found duplicate(s): x',
    ],
    ['SELECT [1, 2] AS list', 'cannot return'],
    ['SELECT 1; SELECT 2', 'one statement at a time'],
    ['', 'Unexpected end of statement'],
  ])('is refused with its place: %s', async (sql, message) => {
    expect(await refusal(sql)).toMatchObject({
      code: 400,
      message: expect.stringContaining(message),
      errors: [{ reason: 'invalidQuery', location: 'query' }],
    })
  })

  test('names the table that is missing, or that lacks a dataset', async () => {
    expect(await refusal('SELECT * FROM ComposerDemo.nothing')).toMatchObject({
      code: 404,
      message: 'Not found: Table local-project:ComposerDemo.nothing was not found in location US',
      errors: [{ reason: 'notFound' }],
    })
    expect(await refusal('SELECT * FROM nothing')).toMatchObject({
      code: 400,
      message: 'Table "nothing" must be qualified with a dataset (e.g. dataset.table).',
    })
  })

  test('fails its job when it is sent as one, and the job keeps the error', async () => {
    const failed = await under.bigquery
      .createQueryJob({ query: 'SELEC 1', jobId: 'failed-query' })
      .catch((e: unknown) => e)
    expect(failed).toMatchObject({ errors: [{ reason: 'invalidQuery' }] })
    const [metadata] = await under.bigquery.job('failed-query').getMetadata()
    expect(metadata.status).toMatchObject({ state: 'DONE', errorResult: { reason: 'invalidQuery' } })
    await expect(under.bigquery.job('failed-query').getQueryResults()).rejects.toMatchObject({ code: 400 })
  })

  test('that fails while it runs says so', async () => {
    expect(await refusal('SELECT CAST(kind AS INT64) AS x FROM ComposerDemo.some-trips')).toMatchObject({
      code: 400,
      errors: [{ reason: 'invalidQuery' }],
    })
  })
})
