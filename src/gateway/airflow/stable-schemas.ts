import { type TSchema, Type } from 'typebox'
import { RunId } from '../schemas/run-request.ts'

/** A value that may be null. */
export const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()])

/** A date and time. */
export const date = () => Type.String({ format: 'date-time' })

/** Path of a DAG and of one of its runs. */
export const DagParams = Type.Object({ dag_id: Type.String() })
export const DagRunParams = Type.Object({ dag_id: Type.String(), dag_run_id: RunId })

/** Body of a trigger, as far as both generations share it. */
export const triggerFields = {
  dag_run_id: Type.Optional(nullable(RunId)),
  conf: Type.Optional(
    nullable(
      Type.Object({}, { additionalProperties: true, description: 'What to do: the fields of POST /runs.' }),
    ),
  ),
  note: Type.Optional(nullable(Type.String({ maxLength: 1000 }))),
}

/** Body of PATCH on a run. */
export const PatchBody = Type.Object({
  state: Type.Optional(nullable(Type.Enum(['queued', 'success', 'failed']))),
  note: Type.Optional(nullable(Type.String({ maxLength: 1000 }))),
})

const RunState = Type.Enum(['queued', 'running', 'success', 'failed'])

/** Query of a list of runs: what is not offered is refused, for a filter that is ignored would mislead. */
export const RunsQuery = Type.Object(
  {
    limit: Type.Optional(Type.Integer({ minimum: 0, maximum: 1000 })),
    offset: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000 })),
    order_by: Type.Optional(Type.Union([Type.String(), Type.Array(Type.String())])),
    state: Type.Optional(Type.Union([RunState, Type.Array(RunState)])),
    start_date_gte: Type.Optional(date()),
    start_date_lt: Type.Optional(date()),
  },
  { additionalProperties: false },
)

/** A run's state in Airflow's words. */
export const StateSchema = Type.Enum(['running', 'success', 'failed'])

/** A task's state; null while nothing has happened. */
export const TaskStateSchema = nullable(
  Type.Enum(['scheduled', 'running', 'success', 'failed', 'skipped', 'up_for_retry']),
)
