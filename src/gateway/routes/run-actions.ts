import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { callerOf } from '../authentication/plugin.ts'
import { linksFor, pathOf, summaryToJson } from '../json.ts'
import type { Runs } from '../runs/runs.ts'
import { problems } from '../schemas/problem.ts'
import { RunSummarySchema } from '../schemas/run.ts'
import { RunId } from '../schemas/run-request.ts'

const tags = ['runs']
const params = Type.Object({ run_id: RunId })
const response = { 202: RunSummarySchema, ...problems(404, 409) }

/** What can be done to a run: cancel, retry. */
export const runActionRoutes: FastifyPluginAsyncTypebox<{ readonly runs: Runs }> = async (app, { runs }) => {
  const linksOf = linksFor(runs)
  app.post(
    '/runs/:run_id/cancel',
    {
      schema: {
        tags,
        operationId: 'cancelRun',
        summary: 'Ask a run to end early; it still takes its cluster down and cleans up',
        params,
        response,
      },
    },
    async (request, reply) => {
      const run = await runs.cancel(callerOf(request), request.params.run_id)
      request.log.info({ caller: callerOf(request).email }, 'asked the run to cancel')
      return reply.code(202).header('location', pathOf(run.runId)).send(summaryToJson(run, linksOf))
    },
  )

  app.post(
    '/runs/:run_id/retry',
    {
      schema: {
        tags,
        operationId: 'retryRun',
        summary: 'Do a run again that did not succeed, under its own id, wherever its files are by now',
        params,
        response,
      },
    },
    async (request, reply) => {
      const run = await runs.retry(callerOf(request), request.params.run_id)
      request.log.info({ caller: callerOf(request).email }, 'retried the run')
      return reply.code(202).header('location', pathOf(run.runId)).send(summaryToJson(run, linksOf))
    },
  )
}
