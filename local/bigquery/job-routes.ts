import type { FastifyInstance } from 'fastify'
import { type Static, Type } from 'typebox'
import { BigQueryError } from './errors.ts'
import { baseUrl } from './http.ts'
import { jobListItem, jobResource } from './job-resource.ts'
import { type JobContext, queryStatistics, startJob } from './job-starter.ts'
import { pageOf } from './paging.ts'
import { analyse } from './query.ts'
import { JobBody } from './requests.ts'

interface JobParams {
  readonly projectId: string
  readonly jobId: string
}

const LocationQuery = Type.Object({ location: Type.Optional(Type.String()) })
type LocationQuery = Static<typeof LocationQuery>

const JobListQuery = Type.Object({
  maxResults: Type.Optional(Type.Integer({ minimum: 0 })),
  pageToken: Type.Optional(Type.String()),
  minCreationTime: Type.Optional(Type.Integer()),
  maxCreationTime: Type.Optional(Type.Integer()),
  projection: Type.Optional(Type.String()),
  stateFilter: Type.Optional(Type.Array(Type.String())),
})
type JobListQuery = Static<typeof JobListQuery>

/** https://cloud.google.com/bigquery/docs/reference/rest/v2/jobs */
export function jobRoutes(app: FastifyInstance, context: JobContext): void {
  const { jobs, runner } = context

  app.post<{ Params: { projectId: string }; Body: JobBody }>(
    '/projects/:projectId/jobs',
    { schema: { body: JobBody }, config: { call: 'jobs.insert' } },
    async (request) => {
      const { projectId } = request.params
      const { jobReference = {}, configuration } = request.body
      const { jobId, location } = jobReference
      if (configuration.dryRun) return dryRun(projectId, location ?? 'US', request.body, context)
      const job = await startJob(
        { projectId, configuration, ...(jobId && { jobId }), ...(location && { location }) },
        context,
      )
      return jobResource(job, baseUrl(request))
    },
  )

  app.get<{ Params: { projectId: string }; Querystring: JobListQuery }>(
    '/projects/:projectId/jobs',
    { schema: { querystring: JobListQuery }, config: { call: 'jobs.list' } },
    async ({ params, query }) => {
      const { minCreationTime = 0, maxCreationTime = Number.MAX_SAFE_INTEGER, stateFilter = [] } = query
      const found = jobs.list(params.projectId, {
        states: stateFilter.map((state) => state.toUpperCase()),
        minCreatedMs: minCreationTime,
        maxCreatedMs: maxCreationTime,
      })
      const page = pageOf(found, query)
      const full = query.projection?.toLowerCase() === 'full'
      return {
        kind: 'bigquery#jobList',
        ...(page.items.length > 0 && { jobs: page.items.map((job) => jobListItem(job, full)) }),
        nextPageToken: page.nextPageToken,
      }
    },
  )

  app.get<{ Params: JobParams; Querystring: LocationQuery }>(
    '/projects/:projectId/jobs/:jobId',
    { schema: { querystring: LocationQuery }, config: { call: 'jobs.get' } },
    async (request) => {
      const { projectId, jobId } = request.params
      return jobResource(jobs.get(projectId, jobId, request.query.location), baseUrl(request))
    },
  )

  app.post<{ Params: JobParams; Querystring: LocationQuery }>(
    '/projects/:projectId/jobs/:jobId/cancel',
    { schema: { querystring: LocationQuery }, config: { call: 'jobs.cancel' } },
    async (request) => {
      const { projectId, jobId } = request.params
      const job = jobs.get(projectId, jobId, request.query.location)
      runner.cancel(job)
      return { kind: 'bigquery#jobCancelResponse', job: jobResource(job, baseUrl(request)) }
    },
  )

  app.delete<{ Params: JobParams; Querystring: LocationQuery }>(
    '/projects/:projectId/jobs/:jobId/delete',
    { schema: { querystring: LocationQuery }, config: { call: 'jobs.delete' } },
    async ({ params, query }, reply) => {
      const job = jobs.get(params.projectId, params.jobId, query.location)
      if (job.state !== 'DONE')
        throw new BigQueryError('invalid', `Cannot delete job ${params.jobId}: it is still running.`)
      jobs.remove(job)
      return reply.code(204).send()
    },
  )
}

/** Checks a query and says what it would read; nothing is kept. */
async function dryRun(projectId: string, location: string, { configuration }: JobBody, context: JobContext) {
  if (configuration.query === undefined) throw new BigQueryError('invalid', 'Only a query can be run dry.')
  const query = await analyse(configuration.query, { warehouse: context.warehouse, projectId, location })
  const statistics = queryStatistics(query)
  const { action } = query
  const schema = action.kind === 'select' ? { schema: { fields: action.select.fields } } : {}
  return {
    kind: 'bigquery#job',
    configuration: { ...configuration, jobType: 'QUERY' },
    jobReference: { projectId, location },
    statistics: {
      creationTime: String(Date.now()),
      ...statistics,
      query: { ...(statistics['query'] as object), ...schema },
    },
    status: { state: 'DONE' },
  }
}
