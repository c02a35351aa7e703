import { createHash, randomUUID } from 'node:crypto'
import { BigQueryError } from './errors.ts'
import { extract } from './extract.ts'
import { parseExtract } from './extract-config.ts'
import type { JobOutcome, JobRunner } from './job-runner.ts'
import { type Job, type JobRef, type JobStore, sameLocation } from './jobs.ts'
import { load } from './load.ts'
import { mayCreate, parseLoad, writeDisposition } from './load-config.ts'
import { checkTableId, type DatasetRef, datasetName } from './names.ts'
import type { ObjectStore } from './object-store.ts'
import { type AnalysedQuery, analyse } from './query.ts'
import { type Destination, runQuery } from './query-run.ts'
import type { ConfigurationBody, ExtractBody, LoadBody, QueryBody } from './requests.ts'
import type { Settings } from './settings.ts'
import type { Warehouse } from './warehouse.ts'

/** What jobs work with. */
export interface JobContext {
  readonly warehouse: Warehouse
  readonly store: ObjectStore
  readonly jobs: JobStore
  readonly runner: JobRunner
  readonly settings: Settings
  /** An existing folder for files that jobs need for a while. */
  readonly tempDir: string
}

/** A job as a client asks for it. */
export interface JobRequest {
  readonly projectId: string
  /** One is made up when absent. */
  readonly jobId?: string
  /** Default: the location of the dataset, or US. */
  readonly location?: string
  readonly configuration: ConfigurationBody
}

const DEFAULT_LOCATION = 'US'

/**
 * Checks a job and starts it.
 * @throws BigQueryError `duplicate`, `invalid`, `notFound`
 * @see https://cloud.google.com/bigquery/docs/reference/rest/v2/jobs/insert
 */
export async function startJob(request: JobRequest, context: JobContext): Promise<Job> {
  const { jobId, configuration } = request
  if (jobId !== undefined && !/^[A-Za-z0-9_-]{1,1024}$/.test(jobId)) {
    throw new BigQueryError(
      'invalid',
      `Invalid job ID "${jobId}". Job IDs must be alphanumeric (plus underscores and dashes) and must be at most 1024 characters long.`,
    )
  }
  if (configuration.load) return startLoad(request, configuration.load, context)
  if (configuration.extract) return startExtract(request, configuration.extract, context)
  if (configuration.query) return startQuery(request, configuration.query, context)
  throw new BigQueryError(
    'invalid',
    'The local BigQuery runs load, query and extract jobs; the configuration has none.',
  )
}

function startLoad(request: JobRequest, body: LoadBody, context: JobContext): Job {
  const { warehouse, store, tempDir, runner } = context
  const dataset = body.destinationTable && { projectId: request.projectId, ...body.destinationTable }
  const ref = reference(request, context, dataset)
  const config = parseLoad(body, request.projectId)
  assertDataset(config.destination, ref, context)
  return runner.start(ref, 'load', request.configuration, async (assertNotCancelled) => {
    const tableProperties = tablePropertiesOf(body)
    const outcome = await load(config, { warehouse, store, tempDir, tableProperties, assertNotCancelled })
    const statistics = Object.entries(outcome).filter(([name]) => name !== 'warnings')
    return {
      statistics: { load: Object.fromEntries(statistics.map(([name, value]) => [name, String(value)])) },
      warnings: outcome.warnings,
    }
  })
}

/** What a load or a query may say of the table that it creates. */
function tablePropertiesOf(body: object): Record<string, unknown> {
  const { timePartitioning, rangePartitioning, clustering, destinationTableProperties } = body as {
    readonly [name: string]: object | undefined
  }
  const given = { timePartitioning, rangePartitioning, clustering, ...destinationTableProperties }
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
}

function startExtract(request: JobRequest, body: ExtractBody, context: JobContext): Job {
  const { warehouse, store, settings, runner } = context
  const dataset = body.sourceTable && { projectId: request.projectId, ...body.sourceTable }
  const ref = reference(request, context, dataset)
  const config = parseExtract(body, request.projectId)
  warehouse.catalog.table(config.source)
  return runner.start(ref, 'extract', request.configuration, async (assertNotCancelled) => {
    const rowsPerFile = settings.extractRowsPerFile
    const { files, inputBytes } = await extract(config, rowsPerFile, warehouse, store, assertNotCancelled)
    return {
      statistics: {
        totalBytesProcessed: String(inputBytes),
        extract: { destinationUriFileCounts: [String(files)], inputBytes: String(inputBytes) },
      },
    }
  })
}

async function startQuery(request: JobRequest, body: QueryBody, context: JobContext): Promise<Job> {
  const { warehouse, runner } = context
  const ref = reference(
    request,
    context,
    body.defaultDataset && { projectId: request.projectId, ...body.defaultDataset },
  )
  const destination = destinationOf(body, ref, warehouse)
  // Python's client looks for the destination in the configuration even of a query that has failed.
  const { ref: destinationTable } = destination
  const configuration = {
    ...request.configuration,
    query: { priority: 'INTERACTIVE', ...body, destinationTable },
  }
  try {
    const query = await analyse(body, { warehouse, ...ref })
    context.jobs.assertFree(ref)
    return runner.start(ref, 'query', configuration, (assertNotCancelled) =>
      outcomeOf(query, destination, warehouse, assertNotCancelled),
    )
  } catch (error) {
    if (!(error instanceof BigQueryError) || error.reason === 'duplicate') throw error
    return runner.refuse(ref, 'query', configuration, error)
  }
}

async function outcomeOf(
  query: AnalysedQuery,
  destination: Destination,
  warehouse: Warehouse,
  assertNotCancelled: () => void,
): Promise<JobOutcome> {
  const { fields, rows, affectedRows } = await runQuery(query, destination, warehouse, assertNotCancelled)
  return {
    statistics: queryStatistics(query, affectedRows),
    ...(fields && { result: { table: destination.ref, fields, rows } }),
    ...(affectedRows !== undefined && { affectedRows }),
  }
}

/** https://cloud.google.com/bigquery/docs/reference/rest/v2/Job#JobStatistics2 */
export function queryStatistics(query: AnalysedQuery, affectedRows?: number): Record<string, unknown> {
  const { statementType, bytesProcessed, referencedTables } = query
  const totalBytesProcessed = String(bytesProcessed)
  return {
    totalBytesProcessed,
    query: {
      statementType,
      totalBytesProcessed,
      totalBytesBilled: totalBytesProcessed,
      cacheHit: false,
      ...(referencedTables.length > 0 && { referencedTables }),
      ...(affectedRows !== undefined && { numDmlAffectedRows: String(affectedRows) }),
    },
  }
}

/** A job's full reference. @throws BigQueryError `duplicate` */
function reference(
  { projectId, jobId, location }: JobRequest,
  { jobs, warehouse }: JobContext,
  dataset?: DatasetRef,
): JobRef {
  const id = jobId ?? `job_${randomUUID().replaceAll('-', '')}`
  const home = dataset && warehouse.catalog.findDataset(dataset)?.location
  const ref = { projectId, jobId: id, location: location ?? home ?? DEFAULT_LOCATION }
  jobs.assertFree(ref)
  return ref
}

function assertDataset(dataset: DatasetRef, { location }: JobRef, { warehouse }: JobContext): void {
  const { location: home } = warehouse.catalog.dataset(dataset)
  if (sameLocation(home, location)) return
  throw new BigQueryError(
    'notFound',
    `Not found: Dataset ${datasetName(dataset)} was not found in location ${location}`,
  )
}

/** Where a query's rows go: where it says, or to a table of its own that is not listed. */
function destinationOf(body: QueryBody, ref: JobRef, warehouse: Warehouse): Destination {
  const { projectId } = ref
  if (body.destinationTable !== undefined) {
    checkTableId(body.destinationTable.tableId)
    return {
      ref: { projectId, ...body.destinationTable },
      mayCreate: mayCreate(body.createDisposition),
      write: writeDisposition(body.writeDisposition ?? 'WRITE_EMPTY'),
    }
  }
  const dataset = { projectId, datasetId: `_${createHash('md5').update(ref.location).digest('hex')}` }
  if (warehouse.catalog.findDataset(dataset) === undefined) {
    warehouse.catalog.addDataset(dataset, ref.location, {}, true)
  }
  const tableId = `anon${createHash('md5').update(ref.jobId).digest('hex')}`
  return { ref: { ...dataset, tableId }, mayCreate: true, write: 'WRITE_TRUNCATE' }
}
