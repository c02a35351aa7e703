import type { RunReceipt } from '../../workflows/contract.ts'
import { contents } from '../support/objects.ts'
import type { LedgerCluster, LedgerJob, Pipeline } from '../support/pipeline.ts'
import type { ChaosBatch } from './chaos-batches.ts'
import { patiently } from './patience.ts'

type Place = 'raw' | 'failed' | 'processed'

/** What the world holds of one batch and of the run that worked on it, seen by the official clients and the ledger. */
export interface World {
  /** Where each raw file is; a copy with other bytes counts as `damaged`. */
  readonly rawFiles: Readonly<Record<string, readonly (Place | 'damaged')[]>>
  /** Objects under the temporary paths. */
  readonly temporary: readonly string[]
  /** Objects that belong nowhere. */
  readonly strays: readonly string[]
  /** Claims whose run was not terminated: those of one that was count for nothing, and the next run takes them over. */
  readonly claims: readonly string[]
  readonly receipts: readonly RunReceipt[]
  /** Rows of this batch in the table. */
  readonly rows: number
  /** Loads of this batch that BigQuery has committed. */
  readonly loads: number
  readonly clusters: readonly LedgerCluster[]
  readonly jobs: readonly LedgerJob[]
}

/** Looks at all that belongs to a batch, and to the workflow of an id. */
export async function lookAt(pipeline: Pipeline, batch: ChaosBatch, workflowId: string): Promise<World> {
  const [objects, table, loads, { clusters, jobs }] = await Promise.all([
    objectsOf(pipeline, batch),
    rowsByMark(pipeline, batch.input.outputTable),
    loadsOf(pipeline, batch),
    pipeline.ledgerOf(workflowId),
  ])
  return { ...objects, rows: table[batch.mark] ?? 0, loads, clusters, jobs }
}

/** How many rows of each batch a table holds. */
export async function rowsByMark({ google }: Pipeline, outputTable: string): Promise<Record<string, number>> {
  const [, dataset = '', name = ''] = outputTable.split('.')
  const table = google.bigquery.dataset(dataset).table(name)
  const [exists] = await table.exists()
  const counts: Record<string, number> = {}
  if (!exists) return counts
  const [rows] = await table.getRows()
  for (const { vendor_id: mark } of rows as { readonly vendor_id: string }[]) {
    counts[mark] = (counts[mark] ?? 0) + 1
  }
  return counts
}

async function objectsOf(
  pipeline: Pipeline,
  batch: ChaosBatch,
): Promise<Pick<World, 'rawFiles' | 'temporary' | 'strays' | 'claims' | 'receipts'>> {
  const { cloud, google } = pipeline
  const rawFiles: Record<string, (Place | 'damaged')[]> = {}
  for (const file of Object.keys(batch.files)) rawFiles[file] = []
  const temporary: string[] = []
  const strays: string[] = []
  const claims: string[] = []
  const receipts: RunReceipt[] = []
  for (const bucket of [cloud.get('RAW_BUCKET'), cloud.get('PROCESSED_BUCKET')]) {
    const found = await contents(google.storage, `gs://${bucket}/${batch.parent}`)
    for (const [name, content] of Object.entries(found)) {
      const [, folder = ''] = /^([^-_/]+)/.exec(name) ?? []
      const file = name.slice(name.lastIndexOf('/') + 1)
      const copies = isPlace(folder) ? rawFiles[file] : undefined
      if (copies !== undefined && isPlace(folder)) {
        copies.push(content === batch.files[file] ? folder : 'damaged')
      } else if (folder === 'transformed') {
        temporary.push(name)
      } else if (/^processed_date=[^/]*\/(?:reload=[^/]*\/)?[^/]*\.receipts\//.test(name)) {
        receipts.push(JSON.parse(content) as RunReceipt)
      } else if (!isNote(folder, name)) {
        strays.push(name)
      }
    }
  }
  const state = `gs://${cloud.get('STATE_BUCKET')}`
  const notes = [
    `${state}/batches/${cloud.get('RAW_BUCKET')}/${batch.parent}`,
    `${state}/tables/${batch.input.outputTable}/`,
  ]
  for (const folder of notes) {
    for (const [name, content] of Object.entries(await contents(google.storage, folder)))
      if (name.endsWith('claim.json') && (await counts(pipeline, content))) claims.push(`${folder}${name}`)
  }
  return { rawFiles, temporary, strays, claims, receipts }
}

/** True for a claim whose run is open, or has ended by code of its own. */
async function counts({ temporal }: Pipeline, claim: string): Promise<boolean> {
  const { workflowId } = JSON.parse(claim) as { readonly workflowId: string }
  const { status } = await patiently(() => temporal.workflow.getHandle(workflowId).describe())
  return status.name !== 'TERMINATED'
}

/** What a run leaves on purpose: rejected records and the reason of a failure. */
function isNote(folder: string, name: string): boolean {
  return folder === 'rejected' || /\/_FAILURE\.json$/.test(name)
}

function isPlace(folder: string): folder is Place {
  return folder === 'raw' || folder === 'failed' || folder === 'processed'
}

async function loadsOf({ google }: Pipeline, { input, parent }: ChaosBatch): Promise<number> {
  const [jobs] = await google.bigquery.getJobs({ maxResults: 10_000, projection: 'full' })
  return jobs.filter(({ metadata: { configuration, status } }) => {
    const load = configuration?.load
    return (
      input.outputTable.endsWith(`.${load?.destinationTable?.tableId}`) &&
      load?.sourceUris?.some((uri: string) => uri.includes(parent)) &&
      status?.state === 'DONE' &&
      !status.errorResult
    )
  }).length
}
