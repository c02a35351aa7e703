import { gzipSync } from 'node:zlib'
import type { Table } from '@google-cloud/bigquery'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import {
  type BigQueryUnderTest,
  DATASET,
  ended,
  load,
  metadataOf,
  putAll,
  rowsOf,
  schemaOf,
  startBigQueryUnderTest,
  startLoad,
} from './bigquery-support.ts'

let under: BigQueryUnderTest
beforeAll(async () => {
  under = await startBigQueryUnderTest()
})
beforeEach(() => under.reset())
afterAll(() => under.close())

const table = (name: string): Table => under.bigquery.dataset(DATASET).table(name)
const EVERY_TYPE = schemaOf(
  's STRING, i INTEGER, f FLOAT, b BOOLEAN, t TIMESTAMP, d DATE, dt DATETIME, tm TIME, n NUMERIC, x BYTES, j JSON',
)

describe('a load of CSV', () => {
  test('reads every type in its usual spelling, and an unquoted empty cell as null', async () => {
    const line =
      'a,1,2.5,true,2019-03-23 20:21:09 UTC,2019-03-23,2019-03-23 20:21:09.5,20:21:09,1.50,YWI=,"{""k"":1}"'
    const uri = await putAll(under.storage, 'types', { 'a.csv': `${line}\n"",,,,,,,,,,\n` })
    const job = await load(under.bigquery, 'types', { sourceUris: [`${uri}a.csv`], schema: EVERY_TYPE })
    expect(job.status).toEqual({ state: 'DONE' })
    const [first, second] = await rowsOf(table('types'))
    expect(first).toMatchObject({
      s: 'a',
      i: 1,
      f: 2.5,
      b: true,
      t: '2019-03-23T20:21:09.000Z',
      d: '2019-03-23',
      dt: '2019-03-23T20:21:09.500000',
      tm: '20:21:09',
      x: Buffer.from('ab'),
      j: '{"k":1}',
    })
    expect(String(first?.['n'])).toBe('1.5')
    const { s, ...others } = second ?? {}
    expect(s).toBe('')
    expect(Object.values(others)).toEqual(Array(10).fill(null))
  })

  test.each([
    ['2019-03-23 20:21:09 UTC', '2019-03-23T20:21:09.000Z'],
    ['2019-03-23T20:21:09Z', '2019-03-23T20:21:09.000Z'],
    ['2019-03-23T20:21:09.250+02:00', '2019-03-23T18:21:09.250Z'],
    ['2019-03-23 20:21:09.123456', '2019-03-23T20:21:09.123456000Z'],
    ['2019-3-3 2:01', '2019-03-03T02:01:00.000Z'],
    ['2019/03/23 20:21:09 -1', '2019-03-23T21:21:09.000Z'],
    ['2019-03-23', '2019-03-23T00:00:00.000Z'],
    ['1553372469', '2019-03-23T20:21:09.000Z'],
  ])('reads the time %s', async (text, expected) => {
    const uri = await putAll(under.storage, 'times', { 't.csv': `${text}\n2000-01-01 00:00:00 UTC\n` })
    const config = { sourceUris: [`${uri}t.csv`], schema: schemaOf('t TIMESTAMP') }
    await load(under.bigquery, 'times', { ...config, writeDisposition: 'WRITE_TRUNCATE' })
    expect(await rowsOf(table('times'))).toEqual([{ t: expected }, { t: '2000-01-01T00:00:00.000Z' }])
  })

  test('reads the spellings of numbers and truths that BigQuery knows', async () => {
    const uri = await putAll(under.storage, 'spellings', {
      's.csv': '9223372036854775807,NaN,Yes\n+5,-inf,0\n-9223372036854775808,.5e1,T\n',
    })
    const schema = schemaOf('i INTEGER, f FLOAT, b BOOLEAN')
    const job = await load(under.bigquery, 'spellings', { sourceUris: [`${uri}s.csv`], schema })
    expect(job.status).toEqual({ state: 'DONE' })
    const [rows] = await table('spellings').getRows({ wrapIntegers: true })
    expect(rows.map(({ i }) => i.value)).toEqual(['9223372036854775807', '5', '-9223372036854775808'])
    expect(rows.map(({ f, b }) => [f, b])).toEqual([
      [Number.NaN, true],
      [Number.NEGATIVE_INFINITY, false],
      [5, true],
    ])
  })

  test('heeds the options of the format', async () => {
    const uri = await putAll(under.storage, 'options', {
      'a.csv': "name|count\r\n'a|b'|\\N\r\n'it''s\r\nlong'|2\r\nshort\r\n",
    })
    await load(under.bigquery, 'options', {
      sourceUris: [`${uri}*`],
      schema: schemaOf('name STRING, count INTEGER'),
      skipLeadingRows: 1,
      fieldDelimiter: '|',
      quote: "'",
      nullMarker: '\\N',
      allowQuotedNewlines: true,
      allowJaggedRows: true,
    })
    const rows = await rowsOf(table('options'))
    expect(rows.map(({ name, count }) => [String(name).replace('\r', ''), count])).toEqual([
      ['a|b', null],
      ["it's\nlong", 2],
      ['short', null],
    ])
  })

  test('takes wildcards, many URIs and gzip, and each file once', async () => {
    const uri = await putAll(under.storage, 'many', {
      'part-0.csv': '0\n',
      'part-1.csv.gz': gzipSync('1\n'),
      'deep/part-2.csv': '2\n',
      'other.txt': 'x\n',
      _SUCCESS: '',
    })
    const sourceUris = [`${uri}part-*`, `${uri}*.csv`, `${uri}part-0.csv`]
    const job = await load(under.bigquery, 'many', { sourceUris, schema: schemaOf('i INTEGER') })
    expect((await rowsOf(table('many'))).map(({ i }) => i).sort()).toEqual([0, 1, 2])
    expect(job.statistics?.load).toMatchObject({
      inputFiles: '3',
      inputFileBytes: String(4 + gzipSync('1\n').length),
      outputRows: '3',
      outputBytes: '24',
      badRecords: '0',
    })
  })

  test('of no row at all makes an empty table', async () => {
    const uri = await putAll(under.storage, 'empty', { 'part-0': '' })
    const config = { sourceUris: [`${uri}part-*`], schema: schemaOf('i INTEGER') }
    const job = await load(under.bigquery, 'empty', config)
    expect(job.statistics?.load).toMatchObject({ outputRows: '0', inputFiles: '1' })
    expect(await metadataOf(table('empty'))).toMatchObject({ numRows: '0' })
  })
})

describe('a load of newline-delimited JSON', () => {
  test('reads numbers and strings of them, absent as null, and blank lines as nothing', async () => {
    const uri = await putAll(under.storage, 'json', {
      'a.json': [
        '{"i":"2","f":2.5,"s":"é\\u00e9\\"","t":"2019-03-23 20:21:09 UTC","b":true}',
        '',
        '{"i":9007199254740993,"f":"2","b":"false","t":1553372469.5}',
        '{"s":null}',
      ].join('\n'),
    })
    const schema = schemaOf('i INTEGER, f FLOAT, s STRING, t TIMESTAMP, b BOOLEAN')
    const config = { sourceUris: [`${uri}a.json`], schema, sourceFormat: 'NEWLINE_DELIMITED_JSON' }
    const job = await load(under.bigquery, 'json', config)
    expect(job.status).toEqual({ state: 'DONE' })
    const [rows] = await table('json').getRows({ wrapIntegers: true })
    expect(rows[1].i.value).toBe('9007199254740993')
    expect((await rowsOf(table('json'))).map(({ i: _, ...row }) => row)).toEqual([
      { f: 2.5, s: 'éé"', t: '2019-03-23T20:21:09.000Z', b: true },
      { f: 2, s: null, t: '2019-03-23T20:21:09.500Z', b: false },
      { f: null, s: null, t: null, b: null },
    ])
  })

  test.each([
    ['{"i":1', 'Parser terminated before end of string'],
    ['[1]', 'Start of object expected'],
    ['{"i":"x"}', 'Could not convert value to integer (bad value or out of range). Field: i; Value: x'],
    ['{"i":1.5}', 'Could not convert value to integer (bad value or out of range). Field: i; Value: 1.5'],
    ['{"s":3}', 'Could not convert value to string. Field: s; Value: 3'],
    ['{"zz":3}', 'No such field: zz.'],
    ['{"t":"soon"}', "Could not parse 'soon' as a timestamp."],
  ])('names file, place and reason of the bad record %s', async (record, reason) => {
    const uri = await putAll(under.storage, 'bad-json', { 'a.json': `{"s":"good"}\n${record}\n` })
    const schema = schemaOf('i INTEGER, s STRING, t TIMESTAMP')
    const config = { sourceUris: [`${uri}a.json`], schema, sourceFormat: 'NEWLINE_DELIMITED_JSON' }
    const { status } = await load(under.bigquery, 'bad_json', config)
    expect(status?.errorResult).toMatchObject({ reason: 'invalid', location: `${uri}a.json` })
    expect(status?.errors?.at(-1)?.message).toContain(
      `JSON parsing error in row starting at position 13: ${reason}`,
    )
  })

  test('lets unknown fields pass when asked', async () => {
    const uri = await putAll(under.storage, 'unknown', { 'a.json': '{"s":"a","zz":{"y":[1]}}\n' })
    const config = { sourceUris: [`${uri}a.json`], schema: schemaOf('s STRING') }
    const format = { sourceFormat: 'NEWLINE_DELIMITED_JSON', ignoreUnknownValues: true }
    await load(under.bigquery, 'unknown', { ...config, ...format })
    expect(await rowsOf(table('unknown'))).toEqual([{ s: 'a' }])
  })
})

describe('bad records of CSV', () => {
  test.each([
    [
      'x,b',
      'Unable to parse; line_number: 2 byte_offset_to_start_of_line: 4 column_index: 0 column_name: "i" column_type: INT64 value: "x"',
    ],
    ['1.0,b', 'column_type: INT64 value: "1.0"'],
    ['1', 'CSV table references column position 1, but line contains only 1 columns.'],
    ['1,b,c', 'Found 3 column(s) while expected 2.'],
    ['1,"b"c', 'Data between close quote character (") and field separator.'],
    ['1,"b', 'Missing close quote character (").'],
  ])('are named by file, line and reason: %s', async (record, reason) => {
    const uri = await putAll(under.storage, 'bad-csv', { 'a.csv': `1,a\n${record}\n` })
    const config = { sourceUris: [`${uri}a.csv`], schema: schemaOf('i INTEGER, s STRING') }
    const { status, statistics } = await load(under.bigquery, 'bad_csv', config)
    expect(status?.errorResult).toEqual({
      reason: 'invalid',
      location: `${uri}a.csv`,
      message: expect.stringContaining(
        'CSV table encountered too many errors, giving up. Rows: 2; errors: 1.',
      ),
    })
    expect(status?.errors?.at(-1)).toMatchObject({
      location: `${uri}a.csv`,
      message: expect.stringContaining(reason),
    })
    expect(statistics?.load).toBeUndefined()
    await expect(table('bad_csv').exists()).resolves.toEqual([false])
  })

  test('are let pass up to the limit, counted and reported', async () => {
    const uri = await putAll(under.storage, 'some-bad', { 'a.csv': '1\nx\n3\ny\n5\n' })
    const config = { sourceUris: [`${uri}a.csv`], schema: schemaOf('i INTEGER') }
    const { status, statistics } = await load(under.bigquery, 'some_bad', { ...config, maxBadRecords: 2 })
    expect(status?.errorResult).toBeUndefined()
    expect(status?.errors).toHaveLength(2)
    expect(statistics?.load).toMatchObject({ outputRows: '3', badRecords: '2' })
    expect((await rowsOf(table('some_bad'))).map(({ i }) => i)).toEqual([1, 3, 5])
  })

  test('include a missing value of a required column, and a line break that was not announced', async () => {
    const uri = await putAll(under.storage, 'required', { 'a.csv': 'a,\n', 'b.csv': '"a\nb",1\n' })
    const schema = schemaOf('s STRING, i INTEGER REQUIRED')
    const missing = await load(under.bigquery, 'required', { sourceUris: [`${uri}a.csv`], schema })
    expect(missing.status?.errors?.at(-1)?.message).toContain(
      'Required column value for column index: 1 is missing',
    )
    const broken = await load(under.bigquery, 'required', { sourceUris: [`${uri}b.csv`], schema })
    expect(broken.status?.errors?.at(-1)?.message).toContain('Missing close quote character')
  })

  test('leave the table as it was', async () => {
    const uri = await putAll(under.storage, 'atomic', {
      'good.csv': '1\n2\n',
      'part-0': '3\n',
      'part-1': 'x\n',
    })
    const schema = schemaOf('i INTEGER')
    await load(under.bigquery, 'atomic', { sourceUris: [`${uri}good.csv`], schema })
    for (const writeDisposition of ['WRITE_TRUNCATE', 'WRITE_APPEND']) {
      const config = { sourceUris: [`${uri}part-*`], schema, writeDisposition }
      expect((await load(under.bigquery, 'atomic', config)).status?.errorResult?.reason).toBe('invalid')
      expect((await rowsOf(table('atomic'))).map(({ i }) => i)).toEqual([1, 2])
    }
  })
})

describe('dispositions', () => {
  test('WRITE_TRUNCATE replaces rows and schema, WRITE_APPEND adds, WRITE_EMPTY refuses a full table', async () => {
    const uri = await putAll(under.storage, 'write', { 'a.csv': '1\n2\n' })
    const config = { sourceUris: [`${uri}a.csv`], schema: schemaOf('i INTEGER') }
    const outputRows = async (load_: object) =>
      (await load(under.bigquery, 'written', load_)).statistics?.load?.outputRows
    expect(await outputRows({ ...config, writeDisposition: 'WRITE_EMPTY' })).toBe('2')
    expect(await outputRows(config)).toBe('2')
    expect(await metadataOf(table('written'))).toMatchObject({ numRows: '4', numBytes: '32' })
    const refused = await load(under.bigquery, 'written', { ...config, writeDisposition: 'WRITE_EMPTY' })
    expect(refused.status?.errorResult).toEqual({
      reason: 'duplicate',
      message: 'Already Exists: Table local-project:ComposerDemo.written',
    })
    const replacing = { ...config, schema: schemaOf('s STRING'), writeDisposition: 'WRITE_TRUNCATE' }
    expect(await outputRows(replacing)).toBe('2')
    expect(await rowsOf(table('written'))).toEqual([{ s: '1' }, { s: '2' }])
  })

  test('WRITE_TRUNCATE_DATA replaces rows and keeps the schema, which the job must fit', async () => {
    const uri = await putAll(under.storage, 'data', { 'a.csv': '1\n2\n', 'b.csv': '3\n' })
    const field = { name: 'i', type: 'INTEGER', mode: 'REQUIRED', description: 'a number' }
    const config = { sourceUris: [`${uri}a.csv`], schema: { fields: [field] } }
    await load(under.bigquery, 'kept', config)
    const replacing = { ...config, sourceUris: [`${uri}b.csv`], writeDisposition: 'WRITE_TRUNCATE_DATA' }
    const bare = { fields: [{ name: 'i', type: 'INTEGER', mode: 'REQUIRED' }] }
    expect(
      (await load(under.bigquery, 'kept', { ...replacing, schema: bare })).status?.errorResult,
    ).toBeUndefined()
    expect(await metadataOf(table('kept'))).toMatchObject({ numRows: '1', schema: { fields: [field] } })
    const other = await load(under.bigquery, 'kept', { ...replacing, schema: schemaOf('s STRING') })
    expect(other.status?.errorResult).toMatchObject({
      message: expect.stringContaining('Field i is missing'),
    })
    expect(await rowsOf(table('kept'))).toEqual([{ i: 3 }])
  })

  test('CREATE_NEVER and a missing table, and no schema anywhere, fail the job', async () => {
    const uri = await putAll(under.storage, 'create', { 'a.csv': '1\n' })
    const sourceUris = [`${uri}a.csv`]
    const never = { sourceUris, schema: schemaOf('i INTEGER'), createDisposition: 'CREATE_NEVER' }
    expect((await load(under.bigquery, 'never', never)).status?.errorResult).toMatchObject({
      reason: 'notFound',
      message: 'Not found: Table local-project:ComposerDemo.never',
    })
    expect((await load(under.bigquery, 'never', { sourceUris })).status?.errorResult).toMatchObject({
      reason: 'invalid',
      message: 'No schema specified on job or table.',
    })
  })

  test('a schema that does not fit fails the job by name; new columns may be allowed', async () => {
    const uri = await putAll(under.storage, 'fit', { 'a.csv': '1,a\n' })
    const sourceUris = [`${uri}a.csv`]
    await table('fit').create({ schema: schemaOf('i INTEGER') })
    const mismatch = async (schema: string) =>
      (await load(under.bigquery, 'fit', { sourceUris, schema: schemaOf(schema) })).status?.errorResult
    const about = 'Provided Schema does not match Table local-project:ComposerDemo.fit.'
    expect(await mismatch('i STRING')).toEqual({
      reason: 'invalid',
      message: `${about} Field i has changed type from INTEGER to STRING`,
    })
    expect(await mismatch('i INTEGER, s STRING')).toMatchObject({
      message: `${about} Cannot add fields (field: s)`,
    })
    await load(under.bigquery, 'fit', {
      sourceUris,
      schema: schemaOf('i INTEGER, s STRING'),
      schemaUpdateOptions: ['ALLOW_FIELD_ADDITION'],
    })
    expect(await rowsOf(table('fit'))).toEqual([{ i: 1, s: 'a' }])
  })

  test('a new table gets the partitioning and clustering that the load asks for', async () => {
    const uri = await putAll(under.storage, 'partitioned', { 'a.csv': '2019-03-23 20:21:09 UTC\n' })
    const kept = { timePartitioning: { type: 'DAY', field: 't' }, clustering: { fields: ['t'] } }
    await load(under.bigquery, 'partitioned', {
      sourceUris: [`${uri}a.csv`],
      schema: schemaOf('t TIMESTAMP'),
      ...kept,
    })
    expect(await metadataOf(table('partitioned'))).toMatchObject(kept)
  })

  test.each([
    [{ timePartitioning: { type: 'DAY', field: 'x' } }, 'partitioning cannot be found'],
    [{ timePartitioning: { type: 'DAY', field: 's' } }, 'must be of type DATE, DATETIME or TIMESTAMP'],
    [{ timePartitioning: { type: 'WEEK', field: 't' } }, 'Invalid time partitioning type: WEEK'],
    [{ timePartitioning: { type: 'HOUR', field: 'd' } }, 'Invalid time partitioning type: HOUR'],
    [{ clustering: { fields: ['x'] } }, 'clustering cannot be found'],
    [{ clustering: { fields: ['f'] } }, 'not supported for clustering'],
    [{ clustering: { fields: ['s', 't', 'd', 'i', 's'] } }, 'at most 4 are allowed'],
  ])(
    'a layout that does not fit the columns is refused, by loads and by tables.insert: %j',
    async (layout, message) => {
      const schema = schemaOf('t TIMESTAMP, d DATE, s STRING, f FLOAT, i INTEGER')
      const uri = await putAll(under.storage, 'misfit', { 'a.csv': ',,,,\n' })
      const job = load(under.bigquery, 'misfit', { sourceUris: [`${uri}a.csv`], schema, ...layout })
      expect((await job).status?.errorResult).toMatchObject({
        reason: 'invalid',
        message: expect.stringContaining(message),
      })
      const table = under.bigquery.dataset(DATASET).createTable('misfit', { schema, ...layout })
      await expect(table).rejects.toMatchObject({ message: expect.stringContaining(message) })
    },
  )

  test('a table that is there is loaded only with the layout and the labels that it has, or with none said', async () => {
    const uri = await putAll(under.storage, 'layout', { 'a.csv': '2019-03-23 20:21:09 UTC\n' })
    const layout = { timePartitioning: { type: 'DAY', field: 't' }, clustering: { fields: ['t'] } }
    const labels = { team: 'trips' }
    const again = (more: object) =>
      load(under.bigquery, 'layout', {
        sourceUris: [`${uri}a.csv`],
        schema: schemaOf('t TIMESTAMP'),
        ...more,
      })
    await again({ ...layout, destinationTableProperties: { labels } })
    expect(await metadataOf(table('layout'))).toMatchObject({ ...layout, labels })
    await again({ ...layout, destinationTableProperties: { labels } })
    await again({})
    await again({ ...layout, timePartitioning: { ...layout.timePartitioning, expirationMs: '86400000' } })
    for (const writeDisposition of ['WRITE_APPEND', 'WRITE_TRUNCATE']) {
      const { status } = await again({
        writeDisposition,
        timePartitioning: { type: 'MONTH', field: 't' },
      })
      expect(status?.errorResult).toMatchObject({
        reason: 'invalid',
        message:
          'Incompatible table partitioning specification. Expects partitioning specification interval(type:day,field:t) clustering(t), but input partitioning specification is interval(type:month,field:t)',
      })
    }
    const { status } = await again({ destinationTableProperties: { labels: { team: 'b' } } })
    expect(status?.errorResult?.message).toContain('The labels of the destination table are different')
    expect(await metadataOf(table('layout'))).toMatchObject({ ...layout, labels, numRows: '4' })
  })

  test('two loads that append at once both count, each its own rows', async () => {
    const uri = await putAll(under.storage, 'both', { 'a.csv': '1\n2\n', 'b.csv': '3\n' })
    const start = (name: string) =>
      startLoad(under.bigquery, 'both', { sourceUris: [`${uri}${name}`], schema: schemaOf('i INTEGER') })
    const jobs = await Promise.all(['a.csv', 'b.csv'].map(start))
    const rows = (await Promise.all(jobs.map(ended))).map(({ statistics }) => statistics?.load?.outputRows)
    expect(rows).toEqual(['2', '1'])
    expect(await metadataOf(table('both'))).toMatchObject({ numRows: '3' })
  })
})

describe('sources', () => {
  test('that do not exist fail the job by name', async () => {
    const schema = schemaOf('i INTEGER')
    for (const [uri, message] of [
      ['gs://local-project-raw/none', 'Not found: URI gs://local-project-raw/none'],
      ['gs://local-project-raw/none/part-*', 'Not found: Uris gs://local-project-raw/none/part-*'],
      ['gs://no-such-bucket/a', 'Not found: URI gs://no-such-bucket/a'],
    ] as const) {
      const { status } = await load(under.bigquery, 'none', { sourceUris: [uri], schema })
      expect(status?.errorResult).toEqual({ reason: 'notFound', message })
    }
  })

  test.each([
    [{ sourceUris: [] }, /must specify at least one source URI/],
    [{ sourceUris: Array(10_001).fill('gs://b/o') }, /at most 10000/],
    [{ sourceUris: ['gs://b/*/x*'] }, /at most one wildcard/],
    [{ sourceUris: ['s3://b/o'] }, /must be a Google Cloud Storage location/],
    [{ sourceUris: ['gs://b/o'], sourceFormat: 'AVRO' }, /does not load AVRO/],
    [{ sourceUris: ['gs://b/o'], autodetect: true }, /does not detect schemas/],
    [{ sourceUris: ['gs://b/o'], writeDisposition: 'WRITE_OVER' }, /WRITE_OVER is not a valid value/],
  ])('that no load can have are refused at once (%#)', async (config, message) => {
    await expect(startLoad(under.bigquery, 'refused', config)).rejects.toMatchObject({
      code: 400,
      message: expect.stringMatching(message),
      errors: [{ reason: 'invalid' }],
    })
  })

  test('go to a dataset that exists, in the place where it is', async () => {
    const [load_] = [{ sourceUris: ['gs://b/o'], schema: schemaOf('i INTEGER') }]
    const destinationTable = { projectId: 'local-project', datasetId: 'nowhere', tableId: 't' }
    await expect(startLoad(under.bigquery, 't', { ...load_, destinationTable })).rejects.toMatchObject({
      code: 404,
      message: 'Not found: Dataset local-project:nowhere',
    })
    await expect(startLoad(under.bigquery, 't', load_, { location: 'EU' })).rejects.toMatchObject({
      code: 404,
      message: 'Not found: Dataset local-project:ComposerDemo was not found in location EU',
    })
  })
})
