import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { linksFor, summaryToJson } from '../json.ts'
import type { Runs } from '../runs/runs.ts'
import type { RunFilter } from '../runs/visibility-query.ts'
import { problems } from '../schemas/problem.ts'
import { RunListQuery, RunListSchema } from '../schemas/run-list.ts'

/** The list of the native API. */
export const runListRoutes: FastifyPluginAsyncTypebox<{ readonly runs: Runs }> = async (app, { runs }) => {
  const linksOf = linksFor(runs)
  app.get(
    '/runs',
    {
      schema: {
        tags: ['runs'],
        operationId: 'listRuns',
        summary: 'Runs, those that go on first; a start or an end shows within moments',
        querystring: RunListQuery,
        response: { 200: RunListSchema, ...problems() },
      },
    },
    async ({ query }) => {
      const { runs: found, nextCursor } = await runs.list(filterOf(query), {
        limit: query.limit ?? 20,
        ...(query.cursor !== undefined && { cursor: query.cursor }),
      })
      return {
        runs: found.map((run) => summaryToJson(run, linksOf)),
        ...(nextCursor !== undefined && { next_cursor: nextCursor }),
      }
    },
  )
}

function filterOf(query: RunListQuery): RunFilter {
  return {
    ...(query.status !== undefined && { statuses: [query.status] }),
    ...(query.started_by !== undefined && { startedBy: query.started_by.toLowerCase() }),
    ...(query.raw_path !== undefined && { rawPath: query.raw_path }),
    ...(query.step !== undefined && { step: query.step }),
    ...(query.started_after !== undefined && { startedAfter: new Date(query.started_after) }),
    ...(query.started_before !== undefined && { startedBefore: new Date(query.started_before) }),
  }
}
