import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import { BigQueryError, type Reason } from './errors.ts'
import { type JobContext, startJob } from './job-starter.ts'
import type { Job } from './jobs.ts'
import { analyse } from './query.ts'
import { type QueryRequest, QueryRequest as QueryRequestSchema, RowsQuery } from './requests.ts'
import { withEtag } from './resources.ts'
import { type RowRange, readRows, timestampFormat } from './rows.ts'
import { formatOptions } from './tabledata-routes.ts'
import type { TimestampFormat } from './values.ts'

/** How long a call waits for its query when the client does not say. */
const DEFAULT_TIMEOUT_MS = 10_000
/** Longer waits are cut, as the API does. */
const MAX_TIMEOUT_MS = 200_000

/** https://cloud.google.com/bigquery/docs/reference/rest/v2/jobs/query and getQueryResults */
export function queryRoutes(app: FastifyInstance, context: JobContext): void {
  /** A request that is sent again meets its first job. */
  const byRequestId = new Map<string, Promise<Job>>()

  app.post<{ Params: { projectId: string }; Body: QueryRequest }>(
    '/projects/:projectId/queries',
    { schema: { body: QueryRequestSchema }, config: { call: 'jobs.query' } },
    async ({ params, body }) => {
      const { projectId } = params
      if (body.dryRun) return dryRun(projectId, body, context)
      const key = body.requestId && `${projectId}/${body.requestId}`
      const started = (key && byRequestId.get(key)) || startQuery(projectId, body, context)
      if (key) byRequestId.set(key, started)
      const job = await started
      await waitForEnd(job, body.timeoutMs)
      const results = await resultsOf(job, body, timestampFormat(body.formatOptions ?? {}), context)
      return { kind: 'bigquery#queryResponse', ...results, location: job.ref.location }
    },
  )

  app.get<{ Params: { projectId: string; jobId: string }; Querystring: RowsQuery }>(
    '/projects/:projectId/queries/:jobId',
    { schema: { querystring: RowsQuery }, config: { call: 'jobs.getQueryResults' } },
    async ({ params, query }) => {
      const job = context.jobs.get(params.projectId, params.jobId, query.location)
      if (job.type !== 'query') {
        throw new BigQueryError(
          'invalid',
          `Cannot return the results of job ${params.jobId}: it is not a query.`,
        )
      }
      await waitForEnd(job, query.timeoutMs)
      const results = await resultsOf(job, query, timestampFormat(formatOptions(query)), context)
      return withEtag({ kind: 'bigquery#getQueryResultsResponse', ...results })
    },
  )
}

function startQuery(projectId: string, body: QueryRequest, context: JobContext): Promise<Job> {
  const { query, useLegacySql, defaultDataset, parameterMode, queryParameters, labels, location } = body
  return startJob(
    {
      projectId,
      ...(location && { location }),
      configuration: {
        ...(labels && { labels }),
        query: {
          ...(query !== undefined && { query }),
          // Unlike jobs.insert, the REST default here is legacy SQL, which the stand-in refuses.
          useLegacySql: useLegacySql ?? true,
          ...(defaultDataset && { defaultDataset }),
          ...(parameterMode && { parameterMode }),
          ...(queryParameters && { queryParameters }),
        },
      },
    },
    context,
  )
}

async function dryRun(projectId: string, body: QueryRequest, { warehouse }: JobContext) {
  const query = await analyse(body, { warehouse, projectId, location: body.location ?? 'US' })
  return {
    kind: 'bigquery#queryResponse',
    ...(query.action.kind === 'select' && { schema: { fields: query.action.select.fields } }),
    jobReference: { projectId, location: body.location ?? 'US' },
    totalBytesProcessed: String(query.bytesProcessed),
    jobComplete: true,
    cacheHit: false,
  }
}

async function waitForEnd({ ended }: Job, timeoutMs = DEFAULT_TIMEOUT_MS): Promise<void> {
  const cut = new AbortController()
  const timeout = sleep(Math.min(timeoutMs, MAX_TIMEOUT_MS), undefined, { signal: cut.signal, ref: false })
  await Promise.race([ended, timeout.catch(() => undefined)])
  cut.abort()
}

/** @throws BigQueryError with the job's own error if it has failed */
async function resultsOf(job: Job, range: RowRange, timestamps: TimestampFormat, { warehouse }: JobContext) {
  const { ref, state, errorResult, errors, result, affectedRows } = job
  if (state !== 'DONE') return { jobReference: ref, jobComplete: false }
  if (errorResult !== undefined) {
    throw new BigQueryError(errorResult.reason as Reason, errorResult.message, errorResult.location)
  }
  const { totalBytesProcessed } = job.statistics as { readonly totalBytesProcessed?: string }
  const page =
    result &&
    (await readRows(warehouse.database, result.table, result.fields, result.rows, range, timestamps))
  return {
    ...(result && { schema: { fields: result.fields } }),
    jobReference: ref,
    totalRows: String(result?.rows ?? 0),
    ...page,
    totalBytesProcessed: totalBytesProcessed ?? '0',
    jobComplete: true,
    cacheHit: false,
    ...(errors && { errors }),
    ...(affectedRows !== undefined && { numDmlAffectedRows: String(affectedRows) }),
  }
}
