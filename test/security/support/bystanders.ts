/** What belongs to others on a test's cloud, and what became of it. */

import type { GoogleClients } from '../../../src/clients.ts'
import { NAMESPACE_ID } from '../../support/activities.ts'
import { putObject } from '../../support/objects.ts'

/** The attempt of the other batch. */
export const OTHER_KEY = 'b'.repeat(32)

/** The open run that has the other batch. */
export const OTHER_RUN = 'average-speed/other'

/** Names of buckets. */
export interface Buckets {
  readonly raw: string
  readonly processed: string
  readonly state: string
  /** Of another team; the worker may do there what it may do in its own. */
  readonly foreign: string
}

/** Objects of others, beside and above what a batch `exports/raw-…` of one's own has, and among the worker's notes. */
export async function putOthersObjects(
  { storage }: GoogleClients,
  { raw, processed, state, foreign }: Buckets,
): Promise<void> {
  await storage.createBucket(foreign)
  const holder = JSON.stringify({
    namespaceId: NAMESPACE_ID,
    workflowId: OTHER_RUN,
    runId: 'some-run',
    since: '2019-03-01T00:00:00.000Z',
  })
  const objects: Readonly<Record<string, string>> = {
    [`${raw}/exports/raw-other/a.json`]: 'raw',
    [`${raw}/exports/raw-other/raw-inner/a.json`]: 'of a batch in it',
    [`${raw}/exports/transformed-other/`]: '',
    [`${raw}/exports/transformed-other/${OTHER_KEY}/_SUCCESS`]: '',
    [`${raw}/exports/transformed-other/${OTHER_KEY}/part-00000`]: 'rows',
    [`${raw}/exports/failed-other/b.json`]: 'failed',
    [`${raw}/exports/rejected-other/${OTHER_KEY}/part-00000`]: 'rejected',
    [`${raw}/chosen/transformed-other/${raw}/exports/raw-other/${OTHER_KEY}/part-00000`]: 'rows',
    [`${raw}/chosen/failed-other/${raw}/exports/raw-other/b.json`]: 'failed',
    [`${raw}/spark-jobs/job.py`]: 'print()',
    [`${raw}/a.json`]: 'at the top',
    [`${processed}/exports/processed_date=2019-03-01/raw-other/a.json`]: 'archived',
    [`${processed}/exports/processed_date=2019-03-01/reload=a/raw-other/a.json`]: 'archived again',
    [`${processed}/exports/processed_date=2019-03-01/raw-other.receipts/other.json`]: '{}',
    [`${processed}/archive/2018/a.json`]: 'of another team',
    [`${processed}/a.json`]: 'at the top',
    [`${state}/batches/${raw}/exports/raw-other/claim.json`]: holder,
    [`${state}/batches/${raw}/exports/raw-other/archive.json`]: '{"processedDate":"2019-03-01"}',
    [`${state}/manifests/${raw}/exports/raw-other/manifest.ndjson`]: '',
    [`${state}/deployments/other/outputs/${OTHER_KEY}.json`]: '{}',
    [`${state}/tables/local-project.ComposerDemo.others/state.json`]: '{}',
    [`${state}/scripts/0123/job.py`]: 'print()',
    [`${foreign}/exports/raw-other/a.json`]: 'raw',
    [`${foreign}/a.json`]: 'at the top',
  }
  const puts = Object.entries(objects).map(([name, content]) => putObject(storage, `gs://${name}`, content))
  await Promise.all(puts)
}

/** What tells one state of a thing from another, by the thing's name. */
export type Inventory = ReadonlyMap<string, string>

/** Generation and checksum of every object in some buckets, by its URI. */
export async function objectsIn({ storage }: GoogleClients, buckets: readonly string[]): Promise<Inventory> {
  const lists = buckets.map(async (bucket) => {
    const fields = 'items(name,generation,crc32c),nextPageToken'
    // Asked for some fields only, the client hands out the bare resources.
    const [found] = (await storage.bucket(bucket).getFiles({ fields })) as unknown as [
      Record<string, string>[],
    ]
    return found.map(
      ({ name, generation, crc32c }) => [`gs://${bucket}/${name}`, `${generation} ${crc32c}`] as const,
    )
  })
  return new Map((await Promise.all(lists)).flat())
}

/** UUID of every cluster that is not going, by its name. */
export async function clustersOf(
  { clusters }: GoogleClients,
  where: { readonly projectId: string; readonly region: string },
): Promise<Inventory> {
  const [found] = await clusters.listClusters(where, { autoPaginate: true })
  const there = found.filter(({ status }) => status?.state !== 'DELETING')
  return new Map(there.map(({ clusterName, clusterUuid }) => [String(clusterName), String(clusterUuid)]))
}

/** Rows, columns and labels of every table of a dataset, by its name. */
export async function tablesOf({ bigquery }: GoogleClients, dataset: string): Promise<Inventory> {
  const [tables] = await bigquery.dataset(dataset).getTables()
  const looks = tables.map(async (table) => {
    const [{ schema, labels, creationTime }] = await table.getMetadata()
    const [rows] = await table.getRows()
    return [`${dataset}.${table.id}`, JSON.stringify({ schema, labels, creationTime, rows })] as const
  })
  return new Map(await Promise.all(looks))
}

/**
 * The names of what was made, changed or deleted.
 * @param isOwn says of a name whether that may be
 */
export function changes(
  before: Inventory,
  after: Inventory,
  isOwn: (name: string) => boolean = () => false,
): readonly string[] {
  const names = new Set([...before.keys(), ...after.keys()])
  return [...names].filter((name) => before.get(name) !== after.get(name) && !isOwn(name))
}
