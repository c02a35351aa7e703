import { describe, expect, test } from '@jest/globals'
import { BucketNotAllowedError, batchPaths, PathError, processedPath } from '../../workflows/paths.ts'

const RULES = {
  rawBucket: 'raw-bucket',
  processedBucket: 'processed-bucket',
  allowedBuckets: ['raw-bucket', 'other-bucket'],
}
const paths = (rawPath: string, more: object = {}) => batchPaths({ rawPath, ...more }, RULES)

describe("a batch's paths", () => {
  test('are all derived from the raw path', () => {
    expect(paths('gs://raw-bucket/exports/raw-2019-03-01T000000/')).toEqual({
      rawPath: 'gs://raw-bucket/exports/raw-2019-03-01T000000/',
      transformedPath: 'gs://raw-bucket/exports/transformed-2019-03-01T000000/',
      failedPath: 'gs://raw-bucket/exports/failed-2019-03-01T000000/',
      rejectedPath: 'gs://raw-bucket/exports/rejected-2019-03-01T000000/',
      batchPath: 'gs://raw-bucket/exports/batch-2019-03-01T000000/',
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
    expect(paths('gs://other-bucket/a/raw-1', { transformedPath: 'tmp/t-1' })).toMatchObject({
      transformedPath: 'gs://other-bucket/tmp/t-1/',
      failedPath: 'gs://other-bucket/a/failed-1/',
    })
  })

  test('keep the name of a batch whose timestamp begins like another word', () => {
    expect(paths('raw-raw-1').transformedPath).toBe('gs://raw-bucket/transformed-raw-1/')
  })

  test('a reload is archived in a folder of its own', () => {
    expect(processedPath(paths('a/raw-1'), '2019-03-01', 'again')).toBe(
      'gs://processed-bucket/a/processed_date=2019-03-01/raw-1-reload-again/',
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
  ])('%s', (_, rawPath, sentence) => {
    expect(() => paths(rawPath)).toThrow(PathError)
    expect(() => paths(rawPath)).toThrow(sentence)
  })

  test('in a bucket that is not allowed', () => {
    expect(() => paths('gs://foreign-bucket/raw-1/')).toThrow(BucketNotAllowedError)
    expect(() => paths('raw-1', { failedPath: 'gs://foreign-bucket/f/' })).toThrow(/failed_path/)
  })

  test.each([
    ['transformed_path', { transformedPath: 'a/raw-1' }],
    ['transformed_path', { transformedPath: 'a' }],
    ['transformed_path', { transformedPath: 'a/raw-1/deeper' }],
    ['failed_path', { failedPath: 'a/raw-1/' }],
    ['failed_path', { failedPath: 'a/t/f', transformedPath: 'a/t' }],
    ['failed_path', { failedPath: 'a/raw-2' }],
    ['transformed_path', { transformedPath: 'b/raw-2/' }],
    ['transformed_path', { transformedPath: 'a/batch-1' }],
    ['rejected path', { transformedPath: 'a/rejected-1/' }],
  ])('as %s when it overlaps another, or belongs to another batch: %p', (field, more) => {
    expect(() => paths('a/raw-1', more)).toThrow(PathError)
    expect(() => paths('a/raw-1', more)).toThrow(field)
  })

  test('but not for a folder further up that is named raw-…', () => {
    expect(() => paths('raw-data/raw-1')).not.toThrow()
  })

  test('among the processed batches, where one bucket serves for both', () => {
    const one = { ...RULES, processedBucket: 'raw-bucket' }
    expect(() => batchPaths({ rawPath: 'a/processed_date=2019-03-01/raw-1' }, one)).not.toThrow()
    expect(() =>
      batchPaths({ rawPath: 'a/raw-1', failedPath: 'a/processed_date=2019-03-01/failed-1' }, one),
    ).toThrow(/processed batches/)
    expect(() => batchPaths({ rawPath: 'a/b/raw-1', transformedPath: 'a' }, one)).toThrow(PathError)
  })
})
