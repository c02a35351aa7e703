import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from '@jest/globals'
import { loadWorkerConfig } from '../../src/config.ts'
import { SET_BY_THE_SCRIPT } from '../../src/spark-properties.ts'
import { readSparkScript } from '../../src/spark-script.ts'

const MARKS = 'spark.hadoop.mapreduce.fileoutputcommitter.marksuccessfuljobs'

const folder = mkdtempSync(join(tmpdir(), 'job-options-'))
afterAll(() => rmSync(folder, { recursive: true }))

const load = (env: Readonly<Record<string, string>>) =>
  loadWorkerConfig({
    GOOGLE_CLOUD_PROJECT: 'some-project',
    RAW_BUCKET: 'raw',
    PROCESSED_BUCKET: 'processed',
    STATE_BUCKET: 'state',
    BQ_OUTPUT_TABLE: 'some-project.Demo.trips',
    ...env,
  })

/** A schema file of that content. */
function schemaFile(content: unknown): string {
  const file = join(folder, 'schema.json')
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content))
  return file
}

describe('the options of a job of your own', () => {
  test('are read', () => {
    const fields = [
      { name: 'day', type: 'DATE', mode: 'REQUIRED', description: 'of the pickup' },
      { name: 'trips', type: 'INT64' },
    ]
    const config = load({
      SPARK_SCRIPT_URI: 'gs://scripts/totals.py',
      SPARK_ARGUMENTS: '["--minimum-trips", "10"]',
      SPARK_PROPERTIES: '{"spark.executor.memory": "4g"}',
      SPARK_PY_FILES: 'gs://scripts/a.py, gs://scripts/b.zip',
      SPARK_JARS: 'gs://scripts/c.jar',
      WRITE_DISPOSITION: 'WRITE_APPEND',
      TABLE_SCHEMA_FILE: schemaFile({ fields }),
      TABLE_PARTITION_FIELD: 'day',
      TABLE_PARTITION_TYPE: 'YEAR',
      TABLE_CLUSTERING_FIELDS: 'trips',
      CSV_SKIP_LEADING_ROWS: '1',
      CSV_FIELD_DELIMITER: ';',
    })
    expect(config.spark).toEqual({
      scriptUri: 'gs://scripts/totals.py',
      arguments: ['--minimum-trips', '10'],
      properties: { 'spark.executor.memory': '4g' },
      pythonFileUris: ['gs://scripts/a.py', 'gs://scripts/b.zip'],
      jarFileUris: ['gs://scripts/c.jar'],
      copies: { folder: 'gs://state/scripts/', note: 'gs://state/deployments/default/spark.json' },
    })
    expect(config.pipeline.writeDisposition).toBe('WRITE_APPEND')
    expect(config.load).toEqual({
      table: {
        schema: { fields: [fields[0], { name: 'trips', type: 'INTEGER' }] },
        timePartitioning: { type: 'YEAR', field: 'day' },
        clustering: { fields: ['trips'] },
      },
      csv: { skipLeadingRows: 1, fieldDelimiter: ';' },
      jobLabels: {},
    })
  })

  test.each([
    [{ SPARK_ARGUMENTS: '--x 1' }, 'SPARK_ARGUMENTS must be a JSON list of texts'],
    [{ SPARK_ARGUMENTS: '["--x", 1]' }, 'SPARK_ARGUMENTS must be a JSON list of texts'],
    [{ SPARK_ARGUMENTS: '["--in", "{manifest}"]' }, 'so it must hold {transformed} too'],
    [{ SPARK_ARGUMENTS: '["{raw}", "{transformed}"]' }, 'so it must hold {manifest} too'],
    [{ SPARK_ARGUMENTS: '["{output}"]' }, 'SPARK_ARGUMENTS holds {output}, which stands for nothing'],
    [{ SPARK_PROPERTIES: '{"a": 1}' }, 'SPARK_PROPERTIES must be a JSON object of texts'],
    [{ SPARK_PROPERTIES: `{"${MARKS}": "false"}` }, `SPARK_PROPERTIES sets ${MARKS}, which must be true`],
    [
      { SPARK_PROPERTIES: `{"${MARKS}": "false"}`, SPARK_SCRIPT_URI: 'gs://scripts/totals.py' },
      `SPARK_PROPERTIES sets ${MARKS}, which must be true`,
    ],
    [{ SPARK_PROPERTIES: '{"spark.sql.timestampType": "TIMESTAMP_NTZ"}' }, 'which the script sets itself'],
    [{ SPARK_PROPERTIES: '{"spark.sql.legacy.timeParserPolicy": "LEGACY"}' }, 'which the script sets itself'],
    [{ WRITE_DISPOSITION: 'WRITE_EMPTY' }, 'WRITE_DISPOSITION'],
    [{ TABLE_PARTITION_TYPE: 'WEEK' }, 'TABLE_PARTITION_TYPE'],
    [{ TABLE_PARTITION_FIELD: 'pickup' }, 'TABLE_PARTITION_FIELD pickup is no column'],
    [{ TABLE_PARTITION_FIELD: 'vendor_id' }, 'it must be DATE, DATETIME or TIMESTAMP'],
    [
      { TABLE_PARTITION_EXPIRATION_DAYS: '30' },
      'TABLE_PARTITION_EXPIRATION_DAYS needs TABLE_PARTITION_FIELD',
    ],
    [{ TABLE_CLUSTERING_FIELDS: 'vendor' }, 'vendor is no column of the table'],
    [{ TABLE_CLUSTERING_FIELDS: 'fare_amount' }, 'fare_amount is of type FLOAT'],
    [
      { TABLE_CLUSTERING_FIELDS: 'vendor_id,vendor_id' },
      'TABLE_CLUSTERING_FIELDS must name 4 columns at most',
    ],
    [{ TABLE_LABELS: 'team' }, 'TABLE_LABELS: team must be name=value'],
    [{ TABLE_LABELS: 'Team=a' }, 'TABLE_LABELS: Team is no name for a label'],
    [{ JOB_LABELS: 'pipeline=a' }, "JOB_LABELS: pipeline is one of the pipeline's own labels"],
    [{ CSV_FIELD_DELIMITER: '||' }, 'CSV_FIELD_DELIMITER'],
  ])('%j is refused', (env, fault) => {
    expect(() => load(env as Record<string, string>)).toThrow(fault)
  })

  test.each([
    ['no JSON', 'cannot be read'],
    [[], 'must be a list of fields'],
    [[{ name: 'a', type: 'TEXT' }], '[0].type must be one that a CSV can hold, not "TEXT"'],
    [[{ name: 'a', type: 'RECORD', fields: [] }], '[0].fields is nothing that a column of a CSV can have'],
    [[{ name: 'a', type: 'DATE', mode: 'REPEATED' }], '[0].mode must be NULLABLE or REQUIRED'],
    [[{ name: '1a', type: 'DATE' }], `[0].name must be a column's name, not "1a"`],
    [
      [
        { name: 'a', type: 'DATE' },
        { name: 'A', type: 'DATE' },
      ],
      'a is there twice',
    ],
    [['a'], '[0] must be an object'],
  ])('the schema %j is refused', (content, fault) => {
    expect(() => load({ TABLE_SCHEMA_FILE: schemaFile(content) })).toThrow(fault)
  })

  test('row 18: a script of your own may have the properties that the other sets itself', () => {
    const properties = { 'spark.sql.session.timeZone': 'Europe/Zurich', [MARKS]: 'true' }
    const env = { SPARK_SCRIPT_URI: 'gs://scripts/totals.py', SPARK_PROPERTIES: JSON.stringify(properties) }
    expect(load(env).spark.properties).toEqual(properties)
  })

  test('row 18: the properties that are refused are those that the script sets', () => {
    const script = readSparkScript().content.toString()
    const settings = /^SETTINGS = \{$(.*?)^\}$/ms.exec(script)?.[1] ?? ''
    const families = /^DEFAULTED = \((.*?)\)$/ms.exec(script)?.[1] ?? ''
    const names = [...`${settings}${families}`.matchAll(/"(spark\.[^"]*)"/g)].map(([, name]) => name)
    expect(SET_BY_THE_SCRIPT.toSorted()).toEqual(names.toSorted())
  })

  test('of a DATE there are no partitions by the hour', () => {
    const file = schemaFile([{ name: 'day', type: 'DATE' }])
    const env = { TABLE_SCHEMA_FILE: file, TABLE_PARTITION_FIELD: 'day', TABLE_PARTITION_TYPE: 'HOUR' }
    expect(() => load(env)).toThrow('TABLE_PARTITION_TYPE HOUR does not fit day, which is of type DATE')
  })

  test('with faults are reported together with all other faults', () => {
    const refused = () =>
      load({ MAX_REJECTS: 'many', SPARK_ARGUMENTS: 'x', TABLE_LABELS: 'y', RAW_BUCKET: '' })
    for (const name of ['MAX_REJECTS', 'SPARK_ARGUMENTS', 'TABLE_LABELS', 'RAW_BUCKET'])
      expect(refused).toThrow(name)
  })
})
