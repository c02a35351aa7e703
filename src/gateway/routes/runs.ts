import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { callerOf } from '../authentication/plugin.ts'
import { inputFromJson, linksFor, pathOf, runToJson, summaryToJson } from '../json.ts'
import type { Runs } from '../runs/runs.ts'
import { problems } from '../schemas/problem.ts'
import { RunSchema, RunSummarySchema } from '../schemas/run.ts'
import { RunId, RunRequest } from '../schemas/run-request.ts'

const tags = ['runs']
const RunParams = Type.Object({ run_id: RunId })

/** Start and read of the native API. */
export const runRoutes: FastifyPluginAsyncTypebox<{ readonly runs: Runs }> = async (app, { runs }) => {
  const linksOf = linksFor(runs)

  app.post(
    '/runs',
    {
      schema: {
        tags,
        operationId: 'startRun',
        summary: 'Start a run, or find the one that was started with the same request',
        body: RunRequest,
        response: {
          202: {
            description: 'The run goes on, or has ended; the same request gives the same run.',
            headers: { location: { type: 'string', description: 'Path of the run.' } },
            content: { 'application/json': { schema: RunSummarySchema } },
          },
          ...problems(409, 413, 415),
        },
      },
    },
    async (request, reply) => {
      const { run_id, ...conf } = request.body
      const { run } = await runs.start(callerOf(request), {
        ...(run_id !== undefined && { name: { given: run_id } }),
        input: inputFromJson(conf),
      })
      return reply.code(202).header('location', pathOf(run.runId)).send(summaryToJson(run, linksOf))
    },
  )

  app.get(
    '/runs/:run_id',
    {
      schema: {
        tags,
        operationId: 'getRun',
        summary: 'A run with its steps, and its result or failure',
        params: RunParams,
        response: { 200: RunSchema, ...problems(404) },
      },
    },
    async (request) => runToJson(await runs.get(callerOf(request), request.params.run_id), linksOf),
  )
}
