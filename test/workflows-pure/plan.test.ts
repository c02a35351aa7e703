import { describe, expect, test } from '@jest/globals'
import type { AverageSpeedInput } from '../../workflows/contract.ts'
import { InputError, planRun, tableId } from '../../workflows/plan.ts'
import { RUN_DEFAULTS } from '../support/run-defaults.ts'

const DEFAULTS = {
  ...RUN_DEFAULTS,
  outputTable: 'some-project:ComposerDemo.nyc-tlc-yellow-trips',
  allowedTables: ['p-12345.d.t', 'some-project.made.*'],
}
const plan = (input: object) => planRun(input as AverageSpeedInput, DEFAULTS)
const rawPath = 'exports/raw-1'

describe('the plan of a run', () => {
  test('has the defaults of the deployment where the input is silent', () => {
    expect(plan({ rawPath })).toMatchObject({
      outputTable: 'some-project.ComposerDemo.nyc-tlc-yellow-trips',
      writeDisposition: 'WRITE_TRUNCATE',
      maxRejects: 1000,
      maxRejectShare: 0.01,
      manifestUri: 'gs://state-bucket/manifests/raw-bucket/exports/raw-1/manifest.ndjson',
    })
  })

  test('has what the input says, zero too', () => {
    const input = {
      rawPath,
      outputTable: 'p-12345.d.t',
      writeDisposition: 'WRITE_APPEND',
      maxRejects: 0,
      maxRejectShare: 0,
      reload: 'after-fix',
    }
    expect(plan(input)).toMatchObject({
      outputTable: 'p-12345.d.t',
      writeDisposition: 'WRITE_APPEND',
      maxRejects: 0,
      maxRejectShare: 0,
      reload: 'after-fix',
      manifestUri: 'gs://state-bucket/manifests/raw-bucket/exports/raw-1/manifest-after-fix.ndjson',
    })
  })

  test('row 8, row 11: knows what the caller has named, also when it is made again from what it wrote down', () => {
    const named = (input: object) => plan({ rawPath, ...input }).named
    expect(named({})).toEqual([])
    expect(named({ writeDisposition: 'WRITE_TRUNCATE' })).toEqual(['writeDisposition'])
    const both = { outputTable: 'p-12345.d.t', writeDisposition: 'WRITE_APPEND' }
    expect(named(both)).toEqual(['outputTable', 'writeDisposition'])
    for (const input of [{}, both]) {
      const first = plan({ rawPath, ...input })
      const others = { ...DEFAULTS, writeDisposition: 'WRITE_APPEND', maxRejects: 1 } as const
      expect(planRun(first.input, others, first.named)).toEqual(first)
    }
  })

  test('row 3: keeps the bad files of a reload in a folder of their own', () => {
    expect(plan({ rawPath }).failedPath).toBe('gs://raw-bucket/exports/failed-1/')
    expect(plan({ rawPath, reload: 'a' }).failedPath).toBe('gs://raw-bucket/exports/failed-1/reload=a/')
  })

  test('loads as the deployment says, unless the input says otherwise', () => {
    const appending = { ...DEFAULTS, writeDisposition: 'WRITE_APPEND' } as const
    expect(planRun({ rawPath }, appending).writeDisposition).toBe('WRITE_APPEND')
    const input = { rawPath, writeDisposition: 'WRITE_TRUNCATE' } as const
    expect(planRun(input, appending).writeDisposition).toBe('WRITE_TRUNCATE')
  })

  test.each([
    ['no raw path', {}, /raw_path is missing/],
    ['no object', [], /one object/],
    ['null', null, /one object/],
    ['a field that is misspelt', { rawPath, rawpath: 'x' }, /no field "rawpath"/],
    ['a field of the wrong type', { rawPath, maxRejects: '5' }, /maxRejects must be a number/],
    ['an unknown disposition', { rawPath, writeDisposition: 'WRITE_EMPTY' }, /WRITE_TRUNCATE, WRITE_APPEND/],
    ['a negative limit', { rawPath, maxRejects: -1 }, /max_rejects/],
    ['half a record', { rawPath, maxRejects: 1.5 }, /max_rejects/],
    ['a share above one', { rawPath, maxRejectShare: 1.01 }, /max_reject_share/],
    ['a share that is no number', { rawPath, maxRejectShare: Number.NaN }, /max_reject_share/],
    ['a reload label with a slash', { rawPath, reload: 'a/b' }, /reload/],
    ['an empty reload label', { rawPath, reload: '' }, /reload/],
    ['a table without a dataset', { rawPath, outputTable: 'trips' }, /project\.dataset\.table/],
  ])('is refused with %s', (_, input, sentence) => {
    expect(() => plan(input as object)).toThrow(InputError)
    expect(() => plan(input as object)).toThrow(sentence)
  })
})

test.each([
  ['some-project:d.t', 'some-project.d.t'],
  ['some-project.d.nyc-tlc-yellow-trips', 'some-project.d.nyc-tlc-yellow-trips'],
  ['example.com:some-project.d.t', 'example.com:some-project.d.t'],
])('a table can be written as %s', (text, id) => {
  expect(tableId(text)).toBe(id)
})
