import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { PIPELINE } from '../../../workflows/contract.ts'
import { callerOf } from '../authentication/plugin.ts'
import { errorHandler } from '../error-handler.ts'
import { pathOf } from '../json.ts'
import { readAnyBodyAsJson } from '../lenient-json.ts'
import { refuseOtherMethods } from '../other-methods.ts'
import { type Places, taking } from '../places.ts'
import type { RunSummary } from '../runs/run.ts'
import type { Runs } from '../runs/runs.ts'
import { refuseUnknownAddresses } from '../unknown-addresses.ts'
import { requireOurDag } from './dag-id.ts'
import { isoDate, isoformat, parseDate, pythonDate } from './dates.ts'
import { writeExperimentalError } from './experimental-errors.ts'
import { readTrigger, TriggerBody } from './experimental-trigger.ts'
import { pageOfRuns } from './page-of-runs.ts'
import { runOfDate } from './run-of-date.ts'
import { DagId, DagParams, StateSchema } from './stable-schemas.ts'
import { type DagRunState, dagRunStateOf } from './states.ts'

const tags = ['airflow 1.10']
const ErrorSchema = Type.Object({ error: Type.String() })
const DagRunSchema = Type.Object({
  id: Type.Integer({ description: 'Its place in this list.' }),
  run_id: Type.String(),
  state: StateSchema,
  dag_id: Type.String(),
  execution_date: Type.String(),
  start_date: Type.String(),
  dag_run_url: Type.String(),
})
const StateQuery = Type.Object({
  state: Type.Optional(
    Type.String({
      pattern:
        '^([Qq][Uu][Ee][Uu][Ee][Dd]|[Rr][Uu][Nn][Nn][Ii][Nn][Gg]|[Ss][Uu][Cc][Cc][Ee][Ss][Ss]|[Ff][Aa][Ii][Ll][Ee][Dd])$',
      description: 'It is queued, running, success or failed, in capitals or not.',
    }),
  ),
})
const errorReplies = Object.fromEntries(
  [400, 401, 403, 404, 409, 413, 429, 500, 503].map((status) => [status, ErrorSchema]),
)

/** Airflow 1.10's experimental API, as far as triggers in the field use it. */
export const experimentalRoutes: FastifyPluginAsyncTypebox<{
  readonly runs: Runs
  readonly lists: Places
}> = async (app, { runs, lists }) => {
  app.setErrorHandler(errorHandler(writeExperimentalError))
  readAnyBodyAsJson(app)
  refuseUnknownAddresses(app)
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
      const { run, created } = await runs.start(callerOf(request), readTrigger(request.body, new Date()))
      const dagRun = `<DagRun ${PIPELINE} @ ${pythonDate(run.logicalDate)}: ${run.runId}, externally triggered: True>`
      return {
        execution_date: isoformat(run.logicalDate),
        message: created ? `Created ${dagRun}` : `Exists already: ${dagRun}`,
        run_id: run.runId,
      }
    },
  )
  app.get(
    '/dags/:dag_id/dag_runs',
    {
      preHandler: taking(lists),
      schema: {
        tags,
        operationId: 'experimentalList',
        summary: 'The caller’s last hundred runs, those that go on first',
        params: DagParams,
        querystring: StateQuery,
        response: { 200: Type.Array(DagRunSchema), ...errorReplies },
      },
    },
    async (request) => {
      const { params, query } = request
      requireOurDag(params.dag_id)
      const page = await pageOfRuns(runs, callerOf(request), {
        limit: 100,
        ...(query.state && { state: query.state.toLowerCase() as DagRunState }),
      })
      return page.runs.map(dagRunOf)
    },
  )

  app.get(
    '/dags/:dag_id/dag_runs/:execution_date',
    {
      schema: {
        tags,
        operationId: 'experimentalGet',
        summary: 'The state of the run of an execution date',
        params: Type.Object({ dag_id: DagId, execution_date: isoDate() }),
        response: { 200: Type.Object({ state: StateSchema }), ...errorReplies },
      },
    },
    async (request) => {
      requireOurDag(request.params.dag_id)
      const date = parseDate('execution_date', request.params.execution_date)
      return { state: dagRunStateOf((await runOfDate(runs, callerOf(request), date)).status) }
    },
  )

  app.get(
    '/test',
    {
      schema: {
        tags,
        operationId: 'experimentalTest',
        summary: 'Is the API there?',
        response: { 200: Type.Object({ status: Type.Literal('OK') }), ...errorReplies },
      },
    },
    async () => ({ status: 'OK' as const }),
  )
  done()
}

function dagRunOf(run: RunSummary, id: number) {
  return {
    id: id + 1,
    run_id: run.runId,
    state: dagRunStateOf(run.status),
    dag_id: PIPELINE,
    execution_date: isoformat(run.logicalDate),
    start_date: isoformat(run.startedAt),
    dag_run_url: pathOf(run.runId),
  }
}
