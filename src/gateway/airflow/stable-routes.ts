import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type TSchema, Type } from 'typebox'
import { callerOf } from '../authentication/plugin.ts'
import { errorHandler, type ProblemWriter } from '../error-handler.ts'
import { readAnyBodyAsJson } from '../lenient-json.ts'
import { refuseOtherMethods } from '../other-methods.ts'
import { type Places, taking } from '../places.ts'
import type { Run, RunSummary } from '../runs/run.ts'
import type { Runs } from '../runs/runs.ts'
import { refuseUnknownAddresses } from '../unknown-addresses.ts'
import { requireOurDag } from './dag-id.ts'
import { pageOfRuns } from './page-of-runs.ts'
import { DagParams, DagRunParams, PatchBody, RunsQuery } from './stable-schemas.ts'
import { alreadyThere, type StableTrigger, wishOf } from './trigger-body.ts'

/** How one generation of Airflow's stable API says what all of them say. */
export interface Dialect {
  /** `airflow 2`, the tag in the API's description. */
  readonly tag: string
  readonly triggerBody: TSchema
  readonly dagRun: TSchema
  readonly taskInstance: TSchema
  /** Replies to what goes wrong, by status. */
  readonly errors: Readonly<Record<number, unknown>>
  readonly writeError: ProblemWriter
  /** The body, which has the shape of `triggerBody`. */
  readTrigger(body: unknown): StableTrigger
  dagRunOf(run: RunSummary): unknown
  taskInstancesOf(run: Run): readonly unknown[]
}

/** The routes on runs that Airflow 2 and 3 share, in the words of a dialect. */
export const stableRoutes: FastifyPluginAsyncTypebox<{
  readonly runs: Runs
  readonly lists: Places
  readonly dialect: Dialect
}> = async (app, { runs, lists, dialect }) => {
  app.setErrorHandler(errorHandler(dialect.writeError))
  readAnyBodyAsJson(app)
  refuseUnknownAddresses(app)
  const done = refuseOtherMethods(app)
  const tags = [dialect.tag]
  const operation = (name: string, summary: string) => ({
    tags,
    operationId: `${dialect.tag.replace(' ', '')}${name}`,
    summary,
  })
  const replies = (schema: TSchema) => ({ 200: schema, ...dialect.errors })
  const path = '/dags/:dag_id/dagRuns'

  app.post(
    path,
    {
      schema: {
        ...operation('Trigger', 'Trigger a run'),
        params: DagParams,
        body: dialect.triggerBody,
        response: replies(dialect.dagRun),
      },
    },
    async (request) => {
      const { dag_id } = request.params
      requireOurDag(dag_id)
      const wish = wishOf(dialect.readTrigger(request.body), new Date())
      const { run, created } = await runs.start(callerOf(request), wish)
      if (!created) throw alreadyThere(dag_id, run.runId)
      return dialect.dagRunOf(run)
    },
  )
  app.get(
    path,
    {
      preHandler: taking(lists),
      schema: {
        ...operation('List', 'List runs; limit, offset to 1,000, state and begin'),
        params: DagParams,
        querystring: RunsQuery,
        response: replies(
          Type.Object({ dag_runs: Type.Array(dialect.dagRun), total_entries: Type.Integer() }),
        ),
      },
    },
    async (request) => {
      requireOurDag(request.params.dag_id)
      const page = await pageOfRuns(runs, callerOf(request), request.query)
      return { dag_runs: page.runs.map(dialect.dagRunOf), total_entries: page.total }
    },
  )
  app.get(
    `${path}/:dag_run_id`,
    {
      schema: {
        ...operation('Get', 'Get a run'),
        params: DagRunParams,
        response: replies(dialect.dagRun),
      },
    },
    async (request) => {
      const { dag_id, dag_run_id } = request.params
      requireOurDag(dag_id)
      return dialect.dagRunOf(await runs.look(callerOf(request), dag_run_id))
    },
  )
  app.patch(
    `${path}/:dag_run_id`,
    {
      schema: {
        ...operation('Patch', 'Set the state "failed", which cancels the run'),
        params: DagRunParams,
        body: PatchBody,
        response: replies(dialect.dagRun),
      },
    },
    async (request) => {
      const { dag_id, dag_run_id } = request.params
      requireOurDag(dag_id)
      const run = await runs.cancel(callerOf(request), dag_run_id)
      request.log.info({ caller: callerOf(request).email }, 'asked the run to cancel')
      return dialect.dagRunOf(run)
    },
  )
  app.get(
    `${path}/:dag_run_id/taskInstances`,
    {
      schema: {
        ...operation('Tasks', 'The steps of a run'),
        params: DagRunParams,
        response: replies(
          Type.Object({ task_instances: Type.Array(dialect.taskInstance), total_entries: Type.Integer() }),
        ),
      },
    },
    async (request) => {
      const { dag_id, dag_run_id } = request.params
      requireOurDag(dag_id)
      const tasks = dialect.taskInstancesOf(await runs.get(callerOf(request), dag_run_id))
      return { task_instances: [...tasks], total_entries: tasks.length }
    },
  )
  done()
}
