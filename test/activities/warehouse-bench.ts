import { listParts } from '../../activities/output-parts.ts'
import type { LoadOptions } from '../../activities/table-schema.ts'
import type { GoogleClients } from '../../src/clients.ts'
import type { AverageSpeedInput } from '../../workflows/contract.ts'
import type { RunPlan } from '../../workflows/plan.ts'
import type { Attempt, Batch, Load, OutputParts, OutputSummary } from '../../workflows/run-types.ts'
import { type ActivityBench, activityBench, activityEnvironment, attemptFor } from '../support/activities.ts'
import { googleClientsOf } from '../support/clients.ts'
import { Control } from '../support/control.ts'
import { startCloud, type TestCloud } from '../support/local-cloud.ts'
import { putObject } from '../support/objects.ts'

/** One row of the CSV: vendor, 17 empty columns, flag, speed. */
export const ROW = `"CMT"${','.repeat(18)}"N",12.5\n`

/** A batch with the output of one attempt, ready to be loaded. */
export interface ReadyBatch {
  readonly plan: RunPlan
  readonly batch: Batch
  readonly attempt: Attempt
  readonly output: OutputSummary
}

/** Real activities on a BigQuery and a storage of a test's own. */
export interface WarehouseBench {
  readonly cloud: TestCloud
  readonly google: GoogleClients
  readonly bench: ActivityBench
  /** The same for a deployment that wants its output loaded otherwise. */
  withLoad(load: LoadOptions): ActivityBench
  readonly bigquery: Control
  readonly storage: Control
  /** A table of the test's own, `project.dataset.table`. */
  table(): string
  /** Spark's output for a batch, `rows` rows of it. */
  ready(input: AverageSpeedInput, rows?: number): Promise<ReadyBatch>
  /** The same for a batch whose raw files are there already. */
  readyAs(plan: RunPlan, rows?: number): Promise<ReadyBatch>
  /** The output's files, as the activity that verifies it lists them. */
  partsOf(attempt: Attempt): Promise<OutputParts>
  /** Loads as the run of that id does, after it has claimed the table. */
  load(batch: ReadyBatch, workflowId?: string): Promise<Load>
  rowsIn(table: string): Promise<number>
  /** Ids of the load jobs of a table, oldest first. */
  loadJobs(table: string): Promise<readonly string[]>
  reset(): Promise<void>
  close(): Promise<void>
}

/**
 * Brings it up.
 * @param load how the deployment wants its output loaded
 */
export async function startWarehouseBench(load?: LoadOptions): Promise<WarehouseBench> {
  const cloud = await startCloud({ services: ['storage', 'bigquery'] })
  const google = googleClientsOf({
    ...cloud,
    get: (name) => (name === 'DATAPROC_API_ENDPOINT' ? 'http://127.0.0.1:9' : cloud.get(name)),
  })
  const region = {
    ...cloud,
    get: (name: string) => (name === 'DATAPROC_REGION' ? 'us-central1' : cloud.get(name)),
  }
  const bench = activityBench(region, google, load && { load })
  const bigquery = new Control(cloud.get('BIGQUERY_CONTROL_URL'))
  const storage = new Control(cloud.get('STORAGE_CONTROL_URL'))
  const [project, dataset] = cloud.get('BQ_OUTPUT_TABLE').split('.')
  let tables = 0
  async function partsOf(attempt: Attempt): Promise<OutputParts> {
    const listed = activityEnvironment().run(() => listParts(google.storage, attempt))
    const { files, digest } = (await listed) as OutputParts
    return { files, digest }
  }
  const readyAs = async (plan: RunPlan, rows = 2): Promise<ReadyBatch> => {
    const attempt = attemptFor(plan)
    const summary = JSON.stringify({ rows_read: rows, rows_written: rows })
    await putObject(google.storage, `${attempt.outputPath}part-00000`, ROW.repeat(rows))
    await putObject(google.storage, `${attempt.outputPath}_summary.json`, summary)
    await putObject(google.storage, `${attempt.outputPath}_SUCCESS`, '')
    const batch = await bench.call('describeRawFiles', [plan])
    const output = { parts: await partsOf(attempt), rowsRead: rows, rowsWritten: rows, rowsRejected: 0 }
    return { plan, batch, attempt, output }
  }
  return {
    cloud,
    google,
    bench,
    withLoad: (other) => activityBench(region, google, { load: other }),
    bigquery,
    storage,
    table: () => `${project}.${dataset}.table_${++tables}`,
    async ready(input, rows = 2) {
      const plan = bench.plan(input)
      await putObject(google.storage, `${plan.rawPath}a.json`, 'raw')
      return readyAs(plan, rows)
    },
    readyAs,
    partsOf,
    async load({ plan, attempt, output }, workflowId = `run of ${plan.rawPath}`) {
      if (plan.writeDisposition === 'WRITE_TRUNCATE') await bench.call('claimTable', [plan], { workflowId })
      return bench.callWithRetries('loadTable', [plan, attempt, output], { workflowId })
    },
    async rowsIn(table) {
      const [, datasetId = '', tableId = ''] = table.split('.')
      const [rows] = await google.bigquery.dataset(datasetId).table(tableId).getRows()
      return rows.length
    },
    async loadJobs(table) {
      const [jobs] = await google.bigquery.getJobs({ projection: 'full' })
      return jobs
        .filter(
          ({ metadata }) => metadata.configuration?.load?.destinationTable?.tableId === table.split('.')[2],
        )
        .map(({ id }) => id ?? '')
        .toReversed()
    },
    async reset() {
      await Promise.all([bigquery.clear(), storage.clear(), bigquery.delete('/job-faults')])
    },
    async close() {
      await google.close()
      await cloud.close()
    },
  }
}
