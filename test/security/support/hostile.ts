/** What somebody who means harm would send, or write down. */

import { CRC32C } from '@google-cloud/storage'
import fc from 'fast-check'
import { type Buckets, OTHER_KEY } from './bystanders.ts'

/** Paths of others, and paths that would reach them by a client that is careless. */
export const hostileUri = ({ raw, processed, state, foreign }: Buckets): fc.Arbitrary<string> =>
  fc
    .tuple(
      fc.constantFrom(raw, processed, state, foreign, '', '..', `${raw}/..`),
      fc.constantFrom(
        '',
        'exports/',
        'exports/raw-other/',
        'exports/raw-other/raw-inner/',
        'exports/transformed-other/',
        `exports/transformed-other/${OTHER_KEY}/`,
        'exports/failed-other/',
        'exports/processed_date=2019-03-01/raw-other/',
        'exports/raw-1/../raw-other/',
        'exports/raw-1/%2e%2e/raw-other/',
        'archive/2018/',
        'spark-jobs/',
        `deployments/other/outputs/`,
        `batches/${raw}/exports/raw-other/`,
        'chosen/',
        'chosen/failed-other/',
        `chosen/failed-other/${raw}/exports/raw-other/`,
      ),
      fc.constantFrom('', 'a.json', '..', '.'),
    )
    .map(([bucket, folder, name]) => `gs://${bucket}/${folder}${name}`)

/** A value of any kind in the place of another. */
export const hostileValue = (buckets: Buckets): fc.Arbitrary<unknown> =>
  fc.oneof(
    { weight: 6, arbitrary: hostileUri(buckets) },
    {
      weight: 2,
      arbitrary: fc.constantFrom('', '/', '..', 'raw-other', OTHER_KEY, 'average-speed/other', 'gs://'),
    },
    { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 2 }) },
    { weight: 1, arbitrary: fc.nat(5).map((n) => 'x'.repeat(10 ** n)) },
    { weight: 1, arbitrary: fc.constant(undefined) },
  )

type Path = readonly (string | number)[]

/** A valid value with one to three of its fields, at any depth, changed, dropped or added. */
export function forged<T>(valid: T, buckets: Buckets): fc.Arbitrary<T> {
  const paths = pathsOf(valid)
  const change = fc.tuple(fc.constantFrom<Path>(...paths, ['extra'], []), hostileValue(buckets))
  return fc
    .array(change, { minLength: 1, maxLength: 3 })
    .map((changes) => changes.reduce<unknown>((value, [path, to]) => changed(value, path, to), valid) as T)
}

/** The same, now and then as it was. */
export function perhapsForged<T>(valid: T, buckets: Buckets): fc.Arbitrary<T> {
  return fc.oneof(
    { weight: 1, arbitrary: fc.constant(valid) },
    { weight: 2, arbitrary: forged(valid, buckets) },
  )
}

/** The bytes of a note: of the right form with other values, other JSON, or no JSON. */
export function hostileNote(valid: object, buckets: Buckets): fc.Arbitrary<Buffer> {
  const json = fc.oneof(
    { weight: 4, arbitrary: perhapsForged(valid, buckets) },
    { weight: 2, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
    { weight: 1, arbitrary: hostileValue(buckets) },
  )
  const text = json.map((value) => Buffer.from(JSON.stringify(value) ?? ''))
  return fc.oneof(
    { weight: 8, arbitrary: text },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)) },
    { weight: 1, arbitrary: text.map((bytes) => Buffer.concat([Buffer.from('\ufeff'), bytes])) },
    // At the limit on a note's size, and just above it.
    {
      weight: 1,
      arbitrary: fc
        .tuple(text, fc.constantFrom(64 * 1024, 64 * 1024 + 1))
        .map(([bytes, size]) => Buffer.concat([bytes, Buffer.alloc(Math.max(0, size - bytes.length), ' ')])),
    },
  )
}

/** A file of another batch, in the folder of the attacker's, with its name as content. */
export const INNER = 'exports/raw-mine/raw-inner/a.json'

/** Lines of a manifest that list files of one's own and of others, as they are, in order; one of them perhaps changed. */
export function hostileManifest(buckets: Buckets): fc.Arbitrary<readonly unknown[]> {
  const lines = [
    lineOf('exports/raw-mine/a.json', 'raw'),
    lineOf('exports/raw-mine/b.json', 'failed'),
    lineOf(INNER, INNER),
    lineOf('exports/raw-other/a.json', 'raw'),
    lineOf('exports/raw-other/raw-inner/a.json', 'of a batch in it'),
  ]
  const some = fc.subarray(lines, { minLength: 1 })
  const changed = fc.tuple(
    some,
    fc.constantFrom(...lines).chain((line) => forged(line, buckets)),
  )
  return fc.oneof(
    some,
    changed.map(([others, one]) => [...others, one]),
  )
}

function lineOf(name: string, content: string): object {
  return { name, generation: '1', size: content.length, crc32c: checksum(content) }
}

function checksum(text: string): string {
  const crc = new CRC32C()
  crc.update(Buffer.from(text))
  return crc.toString()
}

function pathsOf(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [path]
  const below = Object.entries(value).flatMap(([key, child]) => pathsOf(child, [...path, key]))
  return path.length === 0 ? below : [path, ...below]
}

function changed(value: unknown, [key, ...rest]: Path, to: unknown): unknown {
  if (key === undefined) return to
  const object = typeof value === 'object' && value !== null ? value : {}
  return { ...object, [key]: changed((object as Record<string, unknown>)[key], rest, to) }
}
