import { type Static, Type } from 'typebox'
import { isoDate } from './dates.ts'
import type { Dialect } from './stable-routes.ts'
import { notOffered, nullable, triggerFields } from './stable-schemas.ts'
import { DagRunV2, dagRunV2, TaskInstanceV2, taskInstancesV2 } from './v2-json.ts'

const ErrorV2 = Type.Object({ detail: Type.String() })

const atOnce = notOffered('a run begins at once.')
const noPart = notOffered('the batch of a run is its raw_path.')
const TriggerV2 = Type.Object({
  ...triggerFields,
  logical_date: nullable(isoDate()),
  data_interval_start: noPart,
  data_interval_end: noPart,
  run_after: atOnce,
  partition_key: noPart,
})

/** Airflow 3: `/api/v2`. */
export const v2Dialect: Dialect = {
  tag: 'airflow 3',
  triggerBody: TriggerV2,
  dagRun: DagRunV2,
  taskInstance: TaskInstanceV2,
  errors: Object.fromEntries(
    [400, 401, 403, 404, 409, 413, 429, 500, 503].map((status) => [status, ErrorV2]),
  ),
  writeError: (problem, _request, reply) => reply.type('application/json').send({ detail: problem.message }),
  readTrigger: (body) => body as Static<typeof TriggerV2>,
  dagRunOf: dagRunV2,
  taskInstancesOf: taskInstancesV2,
}
