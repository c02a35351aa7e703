import { BigQuery, type Job, type JobMetadata, type Table, type TableMetadata } from '@google-cloud/bigquery'
import type { Storage } from '@google-cloud/storage'
import { OAuth2Client } from 'google-auth-library'
import { Control } from '../support/control.ts'
import { storageClient } from '../support/google-clients.ts'
import { startCloud } from '../support/local-cloud.ts'
import { putObject } from '../support/objects.ts'

/** A BigQuery of a test's own, with the Cloud Storage that it reads and the official clients for both. */
export interface BigQueryUnderTest {
  readonly bigquery: BigQuery
  readonly storage: Storage
  readonly control: Control
  /** For the Python client, and for what no client sends. */
  readonly env: Readonly<Record<string, string>>
  readonly endpoint: string
  /** Changes settings of the stand-in. */
  set(settings: object): Promise<void>
  /** Removes faults and counts, and puts settings back. */
  reset(): Promise<void>
  close(): Promise<void>
}

/** The dataset that the local cloud begins with. */
export const DATASET = 'ComposerDemo'
const BUCKET = 'local-project-raw'
const QUICK = {
  pendingMs: 0,
  loadMs: 0,
  queryMs: 0,
  extractMs: 0,
  extractRowsPerFile: 2000,
  deniedPermissions: [],
}

export async function startBigQueryUnderTest(): Promise<BigQueryUnderTest> {
  const cloud = await startCloud({ services: ['storage', 'bigquery'] })
  const control = new Control(cloud.get('BIGQUERY_CONTROL_URL'))
  const endpoint = cloud.get('BIGQUERY_API_ENDPOINT')
  const set = async (settings: object): Promise<void> => {
    const body = JSON.stringify(settings)
    const headers = { 'content-type': 'application/json' }
    const url = `${cloud.get('BIGQUERY_CONTROL_URL')}/settings`
    const response = await fetch(url, { method: 'PUT', headers, body })
    if (!response.ok) throw new Error(await response.text())
  }
  return {
    bigquery: bigqueryClient(endpoint),
    storage: storageClient(cloud.get('STORAGE_API_ENDPOINT')),
    control,
    env: cloud.env,
    endpoint,
    set,
    async reset() {
      await control.clear()
      await control.delete('/job-faults')
      await set(QUICK)
    },
    close: () => cloud.close(),
  }
}

/** A client for the stand-in, with a token that nobody looks at. */
export function bigqueryClient(endpoint: string, options: { readonly autoRetry?: boolean } = {}): BigQuery {
  const authClient = new OAuth2Client()
  authClient.setCredentials({ access_token: 'test', expiry_date: Number.MAX_SAFE_INTEGER })
  return new BigQuery({ projectId: 'local-project', apiEndpoint: endpoint, authClient, ...options })
}

/** Puts objects into the raw bucket. @returns `gs://` prefix of them */
export async function putAll(storage: Storage, folder: string, files: Record<string, string | Buffer>) {
  const prefix = `gs://${BUCKET}/${folder}/`
  await Promise.all(
    Object.entries(files).map(([name, content]) => putObject(storage, `${prefix}${name}`, content)),
  )
  return prefix
}

/** Fields from `name TYPE, name TYPE REQUIRED`. */
export function schemaOf(text: string) {
  return {
    fields: text.split(',').map((column) => {
      const [name, type, mode] = column.trim().split(' ')
      return { name: name ?? '', type: type ?? '', ...(mode && { mode }) }
    }),
  }
}

/** Starts a load as a client does that has URIs, not files. */
export async function startLoad(
  bigquery: BigQuery,
  table: string,
  load: object,
  job: object = {},
): Promise<Job> {
  const destinationTable = { projectId: 'local-project', datasetId: DATASET, tableId: table }
  const [started] = await bigquery.createJob({
    ...job,
    configuration: { load: { destinationTable, ...load } },
  })
  return started
}

/** Waits until a job is DONE. */
export async function ended(job: Job): Promise<JobMetadata> {
  for (;;) {
    const [metadata] = await job.getMetadata()
    if (metadata.status?.state === 'DONE') return metadata
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** Loads and waits. */
export async function load(bigquery: BigQuery, table: string, config: object): Promise<JobMetadata> {
  return ended(await startLoad(bigquery, table, config))
}

/** A table's rows, with times and the like as text. */
export async function rowsOf(table: Table): Promise<Record<string, unknown>[]> {
  const [rows] = await table.getRows()
  return rows.map(plain)
}

/** A row whose wrapped values are unwrapped. */
export function plain(row: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      typeof value === 'object' && value !== null && 'value' in value ? value.value : value,
    ]),
  )
}

/** A table's resource. */
export async function metadataOf(table: Table): Promise<TableMetadata> {
  const [metadata] = await table.getMetadata()
  return metadata
}
