import fc from 'fast-check'
import { type Attack, postJson, STARTS, type Start } from './attack.ts'

const start = fc.constantFrom<Start>(...STARTS)
const word = fc.stringMatching(/^[a-z0-9][a-z0-9_.-]{0,10}[a-z0-9]$/)
const RAW = 'gs://raw-bucket/exports/raw-1/'

/** What no segment of a path may be or hold: dot segments, controls, wildcards, escapes. */
const badSegment = fc.oneof(
  fc.constantFrom('.', '..', ''),
  fc
    .tuple(
      word,
      fc.constantFrom(
        ...[
          '*',
          '**',
          '?',
          '[a-z]',
          '{a,b}',
          '#',
          '\\',
          '\\..\\',
          '\0',
          '\n',
          '\r\n',
          '\t',
          '\x1b[2J',
          '\x7f',
        ],
        ...['\u0085', '\u009b', '\u2028', '\u202e', '\ud800', '\udfff'],
        ...['%2e%2e', '%2F', '%00', '%0d%0a', '%5c', '%c0%ae', '%252e'],
      ),
      word,
    )
    .map((parts) => parts.join('')),
)

const withBadSegment = fc
  .tuple(fc.constantFrom('gs://raw-bucket/', ''), fc.array(word, { maxLength: 3 }), badSegment, fc.nat(3))
  .map(([head, good, bad, at]) => {
    const place = at % (good.length + 1)
    const segments = ['exports', ...good.slice(0, place), bad, ...good.slice(place), 'raw-1']
    return `${head}${segments.join('/')}/`
  })

const badLastSegment = fc
  .tuple(
    word.filter((text) => !text.startsWith('raw-')),
    fc.constantFrom('', '/'),
  )
  .map(([last, slash]) => `gs://raw-bucket/exports/${last}${slash}`)

const otherBucket = fc
  .oneof(
    fc.constantFrom(
      'processed-bucket',
      'RAW-BUCKET',
      'raw-bucket.',
      'raw-bucket.evil.example',
      'raw-buckett',
    ),
    fc.constantFrom(
      'raw-bucket@evil',
      'raw-bucket:80',
      'raw-bucke',
      'raw%2dbucket',
      '',
      ' ',
      '..',
      'raw_bucket',
    ),
    word.filter((text) => text !== 'raw-bucket'),
  )
  .map((bucket) => `gs://${bucket}/exports/raw-1/`)

const otherScheme = fc
  .constantFrom('s3', 'file', 'http', 'https', 'hdfs', 'GS', 'Gs', 'javascript', 'gcs')
  .map((scheme) => `${scheme}://raw-bucket/exports/raw-1/`)

const notAPath = fc.oneof(
  fc.constantFrom<unknown>('', '/', 'gs://', 'gs:///', 'gs://raw-bucket', 'gs://raw-bucket/', null, true, {}),
  fc.integer(),
  fc.array(fc.constant(RAW), { maxLength: 2 }),
  fc.constant(`gs://raw-bucket/${'a'.repeat(720)}/raw-1/`),
  fc.constant(`gs://raw-bucket/${'é'.repeat(360)}/raw-1/`),
)

const badRawPath = fc
  .oneof(withBadSegment, badLastSegment, otherBucket, otherScheme, notAPath)
  .map((raw_path) => ({ raw_path }))

/** Folders of the run itself, in which its own files must not be mixed: what is cleaned up must not hold what is kept. */
const overlapping = fc.constantFrom(
  ...['gs://raw-bucket/exports/raw-1/', 'gs://raw-bucket/exports/raw-1', 'exports/raw-1', '/exports/raw-1/'],
  ...[
    'gs://raw-bucket/exports/',
    'exports',
    'exports/raw-2/',
    'exports/raw-1/inner',
    'exports/raw-1/inner/deeper/',
  ],
  ...['exports/rejected-1', 'exports/rejected-1/x', 'exports/batch-1/', 'exports/batch-1/manifest.ndjson'],
)
const badOtherPath = fc
  .tuple(
    fc.constantFrom('transformed_path', 'failed_path'),
    fc.oneof(
      withBadSegment,
      otherBucket,
      otherScheme,
      overlapping,
      fc.constantFrom('gs://raw-bucket/', 5, [], {}),
    ),
  )
  .map(([field, value]) => ({ raw_path: RAW, [field]: value }))
const meetingPaths = fc
  .constantFrom(['t', 't'], ['t', 't/inner'], ['t/inner', 't'])
  .map(([transformed_path, failed_path]) => ({ raw_path: RAW, transformed_path, failed_path }))

const badName = fc.oneof(
  fc.constantFrom('', '.', '..', '../x', 'a/b', 'a\\b', 'a\0', 'a\n', '-a', 'a b', 'é', 'a%2fb', '__proto__'),
  fc.constantFrom('a'.repeat(201), 'a?b', 'a#b', "a'b", 'a"b', '\ud83d', 'x\u202e'),
)
const badRunId = badName.map((run_id) => ({ run_id, raw_path: RAW }))
const badTable = fc
  .constantFrom(
    ...['', 't', 'd.t', 'project.d.t; DROP TABLE x', 'project.d.`t`', 'project.d.t\n', 'a.b.c.d'],
    ...[
      'project.d.t$20190301',
      '../project.d.t',
      'project:d:t',
      'project.d.*',
      'PROJECT.d.t',
      'project.d.t#x',
    ],
  )
  .map((output_table) => ({ raw_path: RAW, output_table }))
const badReload = fc
  .constantFrom('', '../x', 'A', 'a/b', 'a b', 'a'.repeat(41), 'a\n', '%2e', 5, null)
  .map((reload) => ({ raw_path: RAW, reload }))

/** Path tricks in every field of a body that names a place. */
export const pathAttacks = (authorization: string): fc.Arbitrary<Attack> =>
  fc
    .tuple(
      start,
      fc.oneof(
        { arbitrary: badRawPath, weight: 4 },
        { arbitrary: badOtherPath, weight: 3 },
        { arbitrary: meetingPaths, weight: 1 },
        { arbitrary: badRunId, weight: 1 },
        { arbitrary: badTable, weight: 1 },
        { arbitrary: badReload, weight: 1 },
      ),
    )
    .map(([{ path, wrap }, fields]) => ({
      name: 'a path trick in the body',
      request: postJson(path, wrap(fields), authorization),
    }))
