import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { PIPELINE } from '../../../workflows/contract.ts'
import { callerOf } from '../authentication/plugin.ts'
import { errorHandler } from '../error-handler.ts'
import { readAnyBodyAsJson } from '../lenient-json.ts'
import { refuseOtherMethods } from '../other-methods.ts'
import type { Runs } from '../runs/runs.ts'
import { requireOurDag } from './dag-id.ts'
import { isoformat, pythonDate } from './dates.ts'
import { writeExperimentalError } from './experimental-errors.ts'
import { readTrigger, TriggerBody } from './experimental-trigger.ts'

const tags = ['airflow 1.10']
const DagParams = Type.Object({ dag_id: Type.String() })
const ErrorSchema = Type.Object({ error: Type.String() })
const errorReplies = Object.fromEntries(
  [400, 401, 403, 404, 409, 413, 429, 500, 503].map((status) => [status, ErrorSchema]),
)

/** Airflow 1.10's experimental API, as far as triggers in the field use it. */
export const experimentalRoutes: FastifyPluginAsyncTypebox<{ readonly runs: Runs }> = async (
  app,
  { runs },
) => {
  app.setErrorHandler(errorHandler(writeExperimentalError))
  readAnyBodyAsJson(app)
  const done = refuseOtherMethods(app)

  app.post(
    '/dags/:dag_id/dag_runs',
    {
      schema: {
        tags,
        operationId: 'experimentalTrigger',
        summary: 'Trigger a run as the original script does; the Content-Type does not matter',
        params: DagParams,
        body: TriggerBody,
        response: {
          200: Type.Object({ execution_date: Type.String(), message: Type.String(), run_id: Type.String() }),
          ...errorReplies,
        },
      },
    },
    async (request) => {
      requireOurDag(request.params.dag_id)
      const { run, created } = await runs.start(
        readTrigger(request.body, callerOf(request).email, new Date()),
      )
      const dagRun = `<DagRun ${PIPELINE} @ ${pythonDate(run.logicalDate)}: ${run.runId}, externally triggered: True>`
      return {
        execution_date: isoformat(run.logicalDate),
        message: created ? `Created ${dagRun}` : `Exists already: ${dagRun}`,
        run_id: run.runId,
      }
    },
  )
  done()
}
