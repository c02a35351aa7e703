import { type Static, Type } from 'typebox'
import { Problem } from '../problem.ts'
import type { Dialect } from './stable-routes.ts'
import { nullable, triggerFields } from './stable-schemas.ts'
import { DagRunV2, dagRunV2, TaskInstanceV2, taskInstancesV2 } from './v2-json.ts'

const ErrorV2 = Type.Object({ detail: Type.String() })

const NOT_OFFERED = ['data_interval_start', 'data_interval_end', 'run_after', 'partition_key'] as const
const notOffered = Type.Optional(
  nullable(Type.String({ description: 'Not offered: leave it out, or null.' })),
)
const TriggerV2 = Type.Object({
  ...triggerFields,
  logical_date: nullable(Type.String({ description: 'ISO 8601; null for none.' })),
  data_interval_start: notOffered,
  data_interval_end: notOffered,
  run_after: notOffered,
  partition_key: notOffered,
})

/** Airflow 3: `/api/v2`. */
export const v2Dialect: Dialect = {
  tag: 'airflow 3',
  triggerBody: TriggerV2,
  dagRun: DagRunV2,
  taskInstance: TaskInstanceV2,
  errors: Object.fromEntries(
    [400, 401, 403, 404, 409, 413, 429, 500, 501, 503].map((status) => [status, ErrorV2]),
  ),
  writeError: (problem, _request, reply) => reply.type('application/json').send({ detail: problem.message }),
  readTrigger(body) {
    const trigger = body as Static<typeof TriggerV2>
    const field = NOT_OFFERED.find((name) => (trigger[name] ?? null) !== null)
    if (field !== undefined) {
      throw new Problem(501, `${field} is not offered: a run begins at once, and its batch is its raw_path.`)
    }
    return trigger
  },
  dagRunOf: dagRunV2,
  taskInstancesOf: taskInstancesV2,
}
