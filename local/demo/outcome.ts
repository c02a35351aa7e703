import { connectTemporal } from '../../src/clients.ts'
import { workflowIdOf } from '../../workflows/contract.ts'
import { LOCAL } from '../cloud/settings.ts'
import type { Ledger } from '../dataproc/ledger.ts'
import { googleClients } from './google.ts'

/** What a demo run has left, read back with the official clients. */
export interface Outcome {
  readonly rawPath: string
  readonly table: {
    readonly name: string
    readonly rows: number
    readonly nullSpeeds: number
    readonly zeroSpeeds: number
    readonly sumOfSpeeds: number
    readonly fastest: readonly { readonly pickup: string; readonly miles: number; readonly mph: number }[]
  }
  /** Number of objects and bytes by folder. */
  readonly storage: readonly { readonly folder: string; readonly objects: number; readonly bytes: number }[]
  readonly clusters: { readonly created: number; readonly running: number; readonly seconds: number }
  /** What the run itself says that it did; nothing if it has left no receipt. */
  readonly receipt: Readonly<Record<string, unknown>> | undefined
  readonly links: Readonly<Record<string, string>>
}

/** Reads back what lies where. */
export async function readOutcome(
  env: Readonly<Record<string, string>>,
  { runId, rawPath }: { readonly runId: string; readonly rawPath: string },
): Promise<Outcome> {
  const google = googleClients(env)
  try {
    const storage = await readStorage(google.storage, rawPath)
    return {
      rawPath,
      table: await readTable(google.bigquery),
      storage,
      receipt: await readReceipt(google.storage, storage),
      clusters: await readLedger(env),
      links: {
        'This run': await linkOf(env, runId),
        'All runs': `${env['TEMPORAL_UI_URL']}/namespaces/${LOCAL.namespace}/workflows`,
        'API documentation': `${env['GATEWAY_URL']}/docs`,
      },
    }
  } finally {
    await google.close()
  }
}

/** The outcome as text. */
export function render(outcome: Outcome): string {
  const { table, storage, clusters } = outcome
  return [
    `\nIn BigQuery: ${table.name}`,
    `  ${table.rows} rows, ${table.nullSpeeds} without average_speed, ${table.zeroSpeeds} with 0, sum ${table.sumOfSpeeds}`,
    ...table.fastest.map(
      ({ pickup, miles, mph }) =>
        `  ${pickup}  ${miles.toFixed(2).padStart(6)} miles  ${mph.toFixed(2).padStart(6)} mph`,
    ),
    '\nIn Cloud Storage',
    ...storage.map(
      ({ folder, objects, bytes }) =>
        `  ${String(objects).padStart(3)} objects ${String(bytes).padStart(9)} bytes  ${folder}`,
    ),
    '\nOn Dataproc',
    `  ${clusters.created} created, ${clusters.running} running now, ${clusters.seconds.toFixed(1)} cluster seconds`,
  ].join('\n')
}

/** The links as text. */
export function linksOf({ links }: Outcome): string {
  return Object.entries(links)
    .map(([name, url]) => `  ${name.padEnd(18)} ${url}`)
    .join('\n')
}

async function linkOf(env: Readonly<Record<string, string>>, runId: string): Promise<string> {
  const workflowId = workflowIdOf(runId)
  const client = await connectTemporal({
    address: env['TEMPORAL_ADDRESS'] ?? '',
    namespace: LOCAL.namespace,
  })
  try {
    const { runId: execution } = await client.workflow.getHandle(workflowId).describe()
    return `${env['TEMPORAL_UI_URL']}/namespaces/${LOCAL.namespace}/workflows/${encodeURIComponent(workflowId)}/${execution}/history`
  } finally {
    await client.connection.close()
  }
}

async function readTable(bigquery: ReturnType<typeof googleClients>['bigquery']): Promise<Outcome['table']> {
  const table = `\`${LOCAL.table}\``
  const [[totals]] = await bigquery.query({
    query: `SELECT COUNT(*) AS n, COUNTIF(average_speed IS NULL) AS null_speeds, COUNTIF(average_speed = 0) AS zero_speeds, SUM(average_speed) AS total FROM ${table}`,
  })
  const [fastest] = await bigquery.query({
    query: `SELECT pickup_datetime, trip_distance, average_speed FROM ${table} WHERE trip_distance > 1 ORDER BY average_speed DESC LIMIT 3`,
  })
  return {
    name: LOCAL.table,
    rows: Number(totals.n),
    nullSpeeds: Number(totals.null_speeds),
    zeroSpeeds: Number(totals.zero_speeds),
    sumOfSpeeds: Number(totals.total),
    fastest: fastest.map((row) => ({
      pickup: row.pickup_datetime.value,
      miles: row.trip_distance,
      mph: row.average_speed,
    })),
  }
}

type Storage = ReturnType<typeof googleClients>['storage']

async function readStorage(storage: Storage, rawPath: string): Promise<Outcome['storage']> {
  const batch = rawPath.split('/').at(-2)?.slice('raw'.length) ?? ''
  const parent = rawPath.slice(`gs://${LOCAL.rawBucket}/`.length, -`raw${batch}/`.length)
  const processed = `${parent}processed_date=${new Date().toISOString().slice(0, 10)}/raw${batch}`
  const places = [
    [LOCAL.rawBucket, `${parent}raw${batch}/`],
    [LOCAL.rawBucket, `${parent}transformed${batch}/`],
    [LOCAL.rawBucket, `${parent}rejected${batch}/`],
    [LOCAL.rawBucket, `${parent}failed${batch}/`],
    [LOCAL.processedBucket, `${processed}/`],
    [LOCAL.processedBucket, `${processed}.receipts/`],
    [LOCAL.stateBucket, `manifests/${LOCAL.rawBucket}/${parent}raw${batch}/`],
  ] as const
  return Promise.all(
    places.map(async ([bucket, prefix]) => {
      const [files] = await storage.bucket(bucket).getFiles({ prefix })
      const bytes = files.reduce((sum, { metadata }) => sum + Number(metadata.size), 0)
      return { folder: `gs://${bucket}/${prefix}`, objects: files.length, bytes }
    }),
  )
}

async function readReceipt(
  storage: Storage,
  folders: Outcome['storage'],
): Promise<Readonly<Record<string, unknown>> | undefined> {
  const [, bucket = '', prefix = ''] =
    /^gs:\/\/([^/]+)\/(.*)$/.exec(
      folders.find(({ folder }) => folder.endsWith('.receipts/'))?.folder ?? '',
    ) ?? []
  const [[file]] = await storage.bucket(bucket).getFiles({ prefix })
  return file && JSON.parse(String((await file.download())[0]))
}

async function readLedger(env: Readonly<Record<string, string>>): Promise<Outcome['clusters']> {
  const response = await fetch(`${env['DATAPROC_CONTROL_URL']}/ledger`)
  const ledger = (await response.json()) as Ledger
  return { created: ledger.clusters.length, running: ledger.running, seconds: ledger.totalSeconds }
}
