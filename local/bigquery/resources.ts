import { createHash } from 'node:crypto'
import type { Dataset, Properties, Table } from './catalog.ts'
import { datasetName, tableName } from './names.ts'

/** A resource with the hash of its content as etag, which clients send back in `If-Match`. */
export function withEtag<T extends object>(resource: T): T & { readonly etag: string } {
  const hash = createHash('md5').update(JSON.stringify(resource)).digest('base64')
  return { etag: hash, ...resource }
}

/** https://cloud.google.com/bigquery/docs/reference/rest/v2/datasets */
export function datasetResource(dataset: Dataset, base: string) {
  const { ref, location, properties, createdMs, modifiedMs } = dataset
  return withEtag({
    kind: 'bigquery#dataset',
    id: datasetName(ref),
    selfLink: `${base}/projects/${ref.projectId}/datasets/${ref.datasetId}`,
    datasetReference: ref,
    ...properties,
    location,
    creationTime: String(createdMs),
    lastModifiedTime: String(modifiedMs),
    type: 'DEFAULT',
  })
}

/** https://cloud.google.com/bigquery/docs/reference/rest/v2/tables */
export function tableResource(table: Table, dataset: Dataset, base: string) {
  const { ref, fields, properties, createdMs, modifiedMs, rows, bytes } = table
  return withEtag({
    kind: 'bigquery#table',
    id: tableName(ref),
    selfLink: `${base}/projects/${ref.projectId}/datasets/${ref.datasetId}/tables/${ref.tableId}`,
    tableReference: ref,
    ...properties,
    ...(fields.length > 0 && { schema: { fields } }),
    numBytes: String(bytes),
    numLongTermBytes: '0',
    numRows: String(rows),
    creationTime: String(createdMs),
    lastModifiedTime: String(modifiedMs),
    type: 'TABLE',
    location: dataset.location,
  })
}

/** What tables.list says of each table. */
export function tableListItem({ ref, properties, createdMs }: Table) {
  const { friendlyName, labels, timePartitioning, rangePartitioning, clustering, expirationTime } =
    properties as {
      readonly [name: string]: unknown
    }
  return {
    kind: 'bigquery#table',
    id: tableName(ref),
    tableReference: ref,
    type: 'TABLE',
    friendlyName,
    labels,
    timePartitioning,
    rangePartitioning,
    clustering,
    creationTime: String(createdMs),
    expirationTime,
  }
}

/** What a client may not set; everything else that it sends is kept and given back. */
const READ_ONLY = new Set([
  'creationTime',
  'etag',
  'id',
  'kind',
  'lastModifiedTime',
  'location',
  'numBytes',
  'numLongTermBytes',
  'numRows',
  'schema',
  'selfLink',
  'type',
  'datasetReference',
  'tableReference',
])

/** The properties of a request that are kept. */
export function keptProperties(body: object): Properties {
  return Object.fromEntries(
    Object.entries(body).filter(([name, value]) => !READ_ONLY.has(name) && value !== null),
  )
}

/** Properties after a PATCH: null removes one, labels are merged one by one, anything else is replaced. */
export function patchedProperties(before: Properties, body: object): Properties {
  const after: Properties = { ...before }
  for (const [name, value] of Object.entries(body)) {
    if (READ_ONLY.has(name)) continue
    if (value === null) delete after[name]
    else after[name] = name === 'labels' ? mergedLabels(before[name], value) : value
  }
  return after
}

function mergedLabels(before: unknown, change: object): Record<string, unknown> {
  const merged = { ...(before as Record<string, unknown> | undefined), ...change }
  return Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== null))
}
