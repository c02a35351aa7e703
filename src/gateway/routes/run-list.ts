import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { lowerCase } from '../../email.ts'
import { callerOf } from '../authentication/plugin.ts'
import { linksFor, summaryToJson } from '../json.ts'
import { type Places, taking } from '../places.ts'
import type { Runs } from '../runs/runs.ts'
import type { RunFilter } from '../runs/visibility-query.ts'
import { problems } from '../schemas/problem.ts'
import { RunListQuery, RunListSchema } from '../schemas/run-list.ts'
import { momentOf } from '../times.ts'

/** The list of the native API. */
export const runListRoutes: FastifyPluginAsyncTypebox<{
  readonly runs: Runs
  readonly lists: Places
}> = async (app, { runs, lists }) => {
  const linksOf = linksFor(runs)
  app.get(
    '/runs',
    {
      preHandler: taking(lists),
      schema: {
        tags: ['runs'],
        operationId: 'listRuns',
        summary: 'The caller’s runs, those that go on first; a start or an end shows within moments',
        querystring: RunListQuery,
        response: { 200: RunListSchema, ...problems() },
      },
    },
    async (request) => {
      const { query } = request
      const { runs: found, nextCursor } = await runs.list(callerOf(request), filterOf(query), {
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
    ...(query.started_by !== undefined && { startedBy: lowerCase(query.started_by) }),
    ...(query.raw_path !== undefined && { rawPath: query.raw_path }),
    ...(query.step !== undefined && { step: query.step }),
    ...(query.started_after !== undefined && {
      startedAfter: momentOf('started_after', query.started_after),
    }),
    ...(query.started_before !== undefined && {
      startedBefore: momentOf('started_before', query.started_before),
    }),
  }
}
