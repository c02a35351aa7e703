import { setTimeout as sleep } from 'node:timers/promises'
import { tableReference } from '../../activities/tables.ts'
import type { GoogleClients } from '../clients.ts'

type BigQuery = GoogleClients['bigquery']

/** What an export has written. */
export interface ExportOutcome {
  readonly jobId: string
  readonly files: number
  /** Bytes of the table, which is not what the files hold: they are text. */
  readonly tableBytes: number
}

/** An export that goes on. */
export interface ExportProgress {
  readonly state: 'PENDING' | 'RUNNING'
  readonly seconds: number
}

const POLL_MS = { minimum: 250, maximum: 5000 }

/**
 * Extracts a table to a raw folder as newline-delimited JSON, which is what the Spark job reads, and waits for the end.
 * @param options.table `project.dataset.table`
 * @param options.rawPath `gs://…/raw-<timestamp>/`
 * @throws Error with BigQuery's reason when the job ends badly; the client's errors otherwise
 * @see https://cloud.google.com/bigquery/docs/exporting-data
 */
export async function exportBatch(
  bigquery: BigQuery,
  options: {
    readonly table: string
    readonly rawPath: string
    readonly tell?: (progress: ExportProgress) => void
  },
): Promise<ExportOutcome> {
  const { projectId, datasetId, tableId } = tableReference(options.table)
  // A job runs where its data is.
  const [{ location }] = await bigquery.dataset(datasetId, { projectId }).getMetadata()
  const begin = Date.now()
  const [job] = await bigquery.createJob({
    location,
    configuration: {
      labels: { pipeline: 'average-speed' },
      extract: {
        sourceTable: { projectId, datasetId, tableId },
        destinationUris: [`${options.rawPath}${projectId}-${datasetId}-*.json`],
        destinationFormat: 'NEWLINE_DELIMITED_JSON',
      },
    },
  })
  for (let pause = POLL_MS.minimum; ; pause = Math.min(pause * 1.5, POLL_MS.maximum)) {
    const [{ status, statistics }] = await job.getMetadata()
    if (status?.state === 'DONE') {
      const reason = status.errorResult?.message
      if (reason !== undefined)
        throw new Error(`The export of ${options.table} failed (job ${job.id}): ${reason}`)
      const [files] = [statistics?.extract?.destinationUriFileCounts ?? []].flat()
      const tableBytes = Number(statistics?.extract?.inputBytes ?? 0)
      return { jobId: job.id ?? '', files: Number(files ?? 0), tableBytes }
    }
    const state = status?.state === 'RUNNING' ? 'RUNNING' : 'PENDING'
    options.tell?.({ state, seconds: Math.round((Date.now() - begin) / 1000) })
    await sleep(pause)
  }
}

/** A name for a batch that is made now; milliseconds tell two in one second apart. */
export function newBatchName(now: Date = new Date()): string {
  return `raw-${now.toISOString().replaceAll(':', '').replace('.', '-').replace('Z', '')}`
}
