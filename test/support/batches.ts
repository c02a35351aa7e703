import { createHash, randomUUID } from 'node:crypto'
import pMap from 'p-map'
import type { AverageSpeedInput } from '../../workflows/contract.ts'
import { contents, putObject } from './objects.ts'
import type { Pipeline } from './pipeline.ts'

/** A batch of a test's own, with a table of its own, so that runs do not wait for each other. */
export interface TestBatch {
  readonly input: AverageSpeedInput & { readonly rawPath: string; readonly outputTable: string }
  /** Content by file name, as exported. */
  readonly files: Readonly<Record<string, string>>
  /** Above all of the batch's folders, in the raw bucket and in the processed one. */
  readonly parent: string
}

/** Trips of 2.3 miles that take the given minutes. */
export function trips(minutes: readonly number[]): string {
  const line = (end: number): string =>
    JSON.stringify({
      vendor_id: '2',
      pickup_datetime: '2019-03-01 20:00:00 UTC',
      dropoff_datetime: `2019-03-01 20:${String(end).padStart(2, '0')}:00 UTC`,
      passenger_count: '1',
      trip_distance: 2.3,
    })
  return minutes.map((end) => `${line(end)}\n`).join('')
}

const GOOD = { 'trips-0.json': trips([10, 20, 30]), 'trips-1.json': trips([15, 25, 35]) }

/** Rows in a good batch. */
export const GOOD_ROWS = 6

/** Exports a batch to a folder that no other test uses. @param files by default two good files with three rows each */
export async function putBatch(
  { cloud, google }: Pick<Pipeline, 'cloud' | 'google'>,
  files: Readonly<Record<string, string>> = GOOD,
): Promise<TestBatch> {
  const parent = `test-${randomUUID()}/`
  const rawPath = `gs://${cloud.get('RAW_BUCKET')}/${parent}raw-2019-03-01T000000/`
  const put = ([name, content]: [string, string]) => putObject(google.storage, `${rawPath}${name}`, content)
  await pMap(Object.entries(files), put, { concurrency: 16 })
  const [project, dataset] = cloud.get('BQ_OUTPUT_TABLE').split('.')
  const table = `trips_${createHash('sha256').update(parent).digest('hex').slice(0, 12)}`
  return { input: { rawPath, outputTable: `${project}.${dataset}.${table}` }, files, parent }
}

/** A batch whose second file is not JSON. */
export function putBadBatch(pipeline: Pipeline): Promise<TestBatch> {
  return putBatch(pipeline, { ...GOOD, 'trips-1.json': 'this is no JSON\nnor is this\n' })
}

/** Where the batch's objects are, seen from outside. */
export interface BatchPlaces {
  /** Names of the raw files by the folder that they are in now, each with its content checked. */
  readonly rawFiles: Readonly<Record<string, 'raw' | 'failed' | 'processed'>>
  /** Everything else that lies about, by name below the batch's parent folder. */
  readonly others: readonly string[]
  /** Claims that are not released. */
  readonly claims: readonly string[]
  /** Receipts beside the archived files, by the same names. */
  readonly receipts: readonly string[]
}

/**
 * Looks for all that belongs to a batch.
 * @throws Error when a raw file is there twice, or holds other bytes
 */
export async function placesOf({ cloud, google }: Pipeline, batch: TestBatch): Promise<BatchPlaces> {
  const rawFiles: Record<string, 'raw' | 'failed' | 'processed'> = {}
  const others: string[] = []
  const claims: string[] = []
  const receipts: string[] = []
  for (const bucket of [cloud.get('RAW_BUCKET'), cloud.get('PROCESSED_BUCKET')]) {
    const found = await contents(google.storage, `gs://${bucket}/${batch.parent}`)
    for (const [name, content] of Object.entries(found)) {
      const file = name.slice(name.lastIndexOf('/') + 1)
      const [, place] = /^(raw|failed|processed)[-_]/.exec(name) ?? []
      if (/^processed_date=[^/]+\/(?:reload=[^/]+\/)?raw-[^/]+\.receipts\//.test(name)) {
        receipts.push(name)
      } else if (place !== undefined && batch.files[file] !== undefined) {
        if (file in rawFiles) throw new Error(`${file} is in ${rawFiles[file]} and in ${place}.`)
        if (content !== batch.files[file]) throw new Error(`${file} in ${place} holds other bytes.`)
        rawFiles[file] = place as 'raw' | 'failed' | 'processed'
      } else {
        others.push(name)
      }
    }
  }
  const notes = `gs://${cloud.get('STATE_BUCKET')}/batches/${cloud.get('RAW_BUCKET')}/${batch.parent}`
  for (const name of Object.keys(await contents(google.storage, notes)))
    if (name.endsWith('/claim.json')) claims.push(name)
  return { rawFiles, others, claims, receipts }
}

/** Loads into the batch's table that BigQuery has committed, and the rows that it holds now. */
export async function loadsOf(
  { google }: Pipeline,
  { input }: TestBatch,
): Promise<{ readonly committed: number; readonly rows: number }> {
  const [, dataset = '', table = ''] = input.outputTable.split('.')
  const [jobs] = await google.bigquery.getJobs({ maxResults: 10_000, projection: 'full' })
  const committed = jobs.filter(
    ({ metadata: { configuration, status } }) =>
      configuration?.load?.destinationTable?.tableId === table &&
      status?.state === 'DONE' &&
      !status.errorResult,
  )
  const target = google.bigquery.dataset(dataset).table(table)
  const [exists] = await target.exists()
  const rows = exists ? (await target.getRows())[0].length : 0
  return { committed: committed.length, rows }
}
