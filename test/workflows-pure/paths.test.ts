import { describe, expect, test } from '@jest/globals'
import { batchPaths, NotAllowedError, PathError, processedPath } from '../../workflows/paths.ts'

const RULES = {
  rawBucket: 'raw-bucket',
  processedBucket: 'processed-bucket',
  allowedBuckets: ['raw-bucket', 'other-bucket'],
  callerFolders: ['gs://raw-bucket/chosen/', 'gs://other-bucket/tmp/'],
}
const paths = (rawPath: string, more: object = {}) => batchPaths({ rawPath, ...more }, RULES)

describe("a batch's paths", () => {
  test('are all derived from the raw path', () => {
    expect(paths('gs://raw-bucket/exports/raw-2019-03-01T000000/')).toEqual({
      rawPath: 'gs://raw-bucket/exports/raw-2019-03-01T000000/',
      transformedPath: 'gs://raw-bucket/exports/transformed-2019-03-01T000000/',
      failedPath: 'gs://raw-bucket/exports/failed-2019-03-01T000000/',
      rejectedPath: 'gs://raw-bucket/exports/rejected-2019-03-01T000000/',
      processedRoot: 'gs://processed-bucket/exports/',
      batchName: 'raw-2019-03-01T000000',
    })
  })

  test.each(['gs://raw-bucket/exports/raw-1', 'exports/raw-1', 'exports/raw-1/', '/exports/raw-1'])(
    'are the same however the raw path is written: %s',
    (rawPath) => {
      expect(paths(rawPath)).toEqual(paths('gs://raw-bucket/exports/raw-1/'))
    },
  )

  test('lie beside a raw path at the top of its bucket', () => {
    expect(paths('raw-1')).toMatchObject({
      transformedPath: 'gs://raw-bucket/transformed-1/',
      processedRoot: 'gs://processed-bucket/',
    })
  })

  test('follow the raw path to another allowed bucket', () => {
    expect(paths('gs://other-bucket/a/raw-1')).toMatchObject({
      failedPath: 'gs://other-bucket/a/failed-1/',
      processedRoot: 'gs://processed-bucket/bucket=other-bucket/a/',
    })
  })

  test('keep the name of a batch whose timestamp begins like another word', () => {
    expect(paths('raw-raw-1').transformedPath).toBe('gs://raw-bucket/transformed-raw-1/')
  })

  test('a reload is archived in a folder of its own', () => {
    expect(processedPath(paths('a/raw-1'), '2019-03-01', 'again')).toBe(
      'gs://processed-bucket/a/processed_date=2019-03-01/reload=again/raw-1/',
    )
  })
})

describe('a path is refused, with a sentence that names the field,', () => {
  test.each([
    ['that names no folder', 'gs://raw-bucket/', /raw_path must name a folder/],
    ['that is empty', '', /raw_path/],
    ['of another scheme', 'https://raw-bucket/raw-1/', /Cloud Storage path/],
    ['with a bucket that cannot be', 'gs://A/raw-1/', /no valid bucket/],
    ['with a wildcard', 'exports/raw-*/', /wildcard/],
    ['with braces', 'exports/{a,b}/raw-1/', /wildcard/],
    ['with a fragment', 'exports/raw-1#2/', /hash/],
    ['with a line break', 'exports\n/raw-1/', /control character/],
    ['with a line separator', 'exports\u2028/raw-1/', /control character/],
    ['that turns its letters around', 'exports\u202e/raw-1/', /control character/],
    ['that is percent-encoded', 'exports/%2e%2e/raw-1/', /percent-encoding/],
    ['that climbs', 'exports/../raw-1/', /"\.\."/],
    ['with an empty folder', 'exports//raw-1/', /empty/],
    ['with half a character', 'exports/\uD800/raw-1/', /surrogate/],
    ['longer than object names allow', `${'é'.repeat(351)}/raw-1/`, /raw_path/],
    ['without raw-', 'exports/2019/', /raw-<timestamp>/],
    ["named as a batch's receipts", 'exports/raw-1.receipts/', /raw-<timestamp>/],
    ['of a scheme with one slash', 'gs:/raw-bucket/exports/raw-1', /Cloud Storage path/],
    ['of a scheme without a slash', 'javascript:alert(1)/raw-1', /Cloud Storage path/],
    ['of another host', '//raw-bucket/exports/raw-1', /Cloud Storage path/],
    ['with a character without width', 'exports/\u200braw-1/', /cannot be seen/],
    ['with a joiner', 'exports\u2060/raw-1/', /cannot be seen/],
    ['with a filler', 'exports\u3164/raw-1/', /cannot be seen/],
    ['with a variation selector', 'exports\ufe0f/raw-1/', /cannot be seen/],
    ['with a tag character', 'exports\u{e0041}/raw-1/', /cannot be seen/],
    ['with another space than the plain one', 'exports\u00a0x/raw-1/', /cannot be seen/],
    ['with a folder that ends in a space', 'exports /raw-1/', /space/],
  ])('%s', (_, rawPath, sentence) => {
    expect(() => paths(rawPath)).toThrow(PathError)
    expect(() => paths(rawPath)).toThrow(sentence)
  })

  test('in a bucket that is not allowed', () => {
    expect(() => paths('gs://foreign-bucket/raw-1/')).toThrow(NotAllowedError)
    expect(() => paths('raw-1', { failedPath: 'gs://foreign-bucket/f/' })).toThrow(/failed_path/)
  })

  test.each([
    'a/raw-1',
    'a',
    'a/raw-1/deeper',
    'a/raw-2/',
    'a/failed-2',
    'a/transformed-1/x',
    'spark-jobs',
    'a/processed_date=2019-03-01/failed-1',
    'chosen',
    'chosen/failed-2',
    'chosen/raw-2/failed-1',
    'chosen/failed-2/failed-1',
    'chosen/transformed-1/failed-1',
    'chosen/processed_date=2019-03-01/failed-1',
    'gs://other-bucket/chosen/failed-1',
    'chosenfailed-1',
  ])("as failed path, unless it is the batch's own: %s", (failedPath) => {
    expect(() => paths('a/raw-1', { failedPath })).toThrow(PathError)
    expect(() => paths('a/raw-1', { failedPath })).toThrow('failed_path')
  })

  test.each(['transformed-1', 'failed-2', 'rejected-3', 'processed_date=2019-03-01', 'reload=x', 'bucket=b'])(
    'that leads through a folder that runs make: %s',
    (folder) => {
      expect(() => paths(`a/${folder}/b/raw-1`)).toThrow(/must not lie in the folder/)
    },
  )

  test('but not for a folder further up that is named raw-…', () => {
    expect(() => paths('raw-data/raw-1')).not.toThrow()
  })
})

describe('a path that a caller chooses', () => {
  test.each(['a/failed-1', 'a/failed-1/', '/a/failed-1', 'gs://raw-bucket/a/failed-1/'])(
    'may be the one that it would be anyhow: %s',
    (failedPath) => {
      expect(paths('a/raw-1', { failedPath })).toEqual(paths('a/raw-1'))
    },
  )

  test("is made the batch's own below a folder of the deployment's", () => {
    expect(paths('a/b/raw-1', { failedPath: 'chosen/x/failed-1' }).failedPath).toBe(
      'gs://raw-bucket/chosen/x/failed-1/raw-bucket/a/b/raw-1/',
    )
    expect(paths('raw-1', { transformedPath: 'gs://other-bucket/tmp/transformed-1/' }).transformedPath).toBe(
      'gs://other-bucket/tmp/transformed-1/raw-bucket/raw-1/',
    )
  })

  test('of one batch never lies in that of another', () => {
    const folders = ['raw-1', 'a/raw-1', 'a/b/raw-1', 'gs://other-bucket/a/raw-1'].map(
      (rawPath) => paths(rawPath, { failedPath: 'gs://raw-bucket/chosen/failed-1' }).failedPath,
    )
    for (const [i, one] of folders.entries())
      for (const other of folders.slice(i + 1)) {
        expect(one.startsWith(other) || other.startsWith(one)).toBe(false)
      }
  })
})
