import { type Static, Type } from 'typebox'
import type { Dialect } from './stable-routes.ts'
import { optionalDate, triggerFields } from './stable-schemas.ts'
import { DagRunV1, dagRunV1, TaskInstanceV1, taskInstancesV1 } from './v1-json.ts'

const ErrorV1 = Type.Object({
  type: Type.String(),
  title: Type.String(),
  status: Type.Integer(),
  detail: Type.String(),
})

const TriggerV1 = Type.Object({
  ...triggerFields,
  logical_date: optionalDate,
  execution_date: optionalDate,
})

/** Airflow 2: `/api/v1`. */
export const v1Dialect: Dialect = {
  tag: 'airflow 2',
  triggerBody: TriggerV1,
  dagRun: DagRunV1,
  taskInstance: TaskInstanceV1,
  errors: Object.fromEntries(
    [400, 401, 403, 404, 409, 413, 429, 500, 503].map((status) => [
      status,
      { description: 'A problem.', content: { 'application/problem+json': { schema: ErrorV1 } } },
    ]),
  ),
  writeError: (problem, _request, reply) =>
    reply.type('application/problem+json').send({
      type: 'about:blank',
      title: problem.title,
      status: problem.status,
      detail: problem.message,
    }),
  readTrigger(body) {
    const trigger = body as Static<typeof TriggerV1>
    // The name of the date before Airflow 2.2.
    return { ...trigger, logical_date: trigger.logical_date ?? trigger.execution_date ?? null }
  },
  dagRunOf: dagRunV1,
  taskInstancesOf: taskInstancesV1,
}
