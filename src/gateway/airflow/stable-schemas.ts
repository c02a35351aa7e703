import { type TSchema, Type } from 'typebox'
import { RunConf, RunId } from '../schemas/run-request.ts'
import { isoDate } from './dates.ts'

/** A value that may be null. */
export const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()])

/** A date and time. */
export const date = () => Type.String({ format: 'date-time' })

/** A DAG's name in a path: what Airflow lets one be. */
export const DagId = Type.String({
  pattern: '^[A-Za-z0-9_.~-]{1,250}$',
  description: 'It is at most 250 letters, digits and _ . ~ -.',
})

/** Path of a DAG and of one of its runs. */
export const DagParams = Type.Object({ dag_id: DagId })
export const DagRunParams = Type.Object({ dag_id: DagId, dag_run_id: RunId })

/** Body of a trigger, as far as both generations share it. */
export const triggerFields = {
  dag_run_id: Type.Optional(nullable(RunId)),
  conf: RunConf,
  note: Type.Optional(nullable(Type.String({ maxLength: 1000 }))),
}

/** A date that a client may give a run. */
export const optionalDate = Type.Optional(nullable(isoDate()))

/** A field of Airflow that has no meaning here: a client may send it, empty. */
export const notOffered = (why: string) =>
  Type.Optional(Type.Null({ description: `It is not offered: ${why}` }))

/** Body of PATCH on a run. */
export const PatchBody = Type.Object({
  state: Type.Enum(['failed'], {
    description: 'It cancels the run. To do a run again, POST to /runs/<run id>/retry.',
  }),
  note: notOffered('a note is given when the run is triggered.'),
})

/** A run's state in Airflow's words. */
export const StateSchema = Type.Enum(['queued', 'running', 'success', 'failed'])

const Order = Type.Enum(['-start_date'])

/** Query of a list of runs: what is not offered is refused, for a filter that is ignored would mislead. */
export const RunsQuery = Type.Object(
  {
    limit: Type.Optional(Type.Integer({ minimum: 0, maximum: 1000 })),
    // Visibility has no offset: what lies before it must be read.
    offset: Type.Optional(Type.Integer({ minimum: 0, maximum: 1000 })),
    // Visibility takes no order; what it gives is about this one.
    order_by: Type.Optional(Type.Union([Order, Type.Array(Order)])),
    state: Type.Optional(Type.Union([StateSchema, Type.Array(StateSchema)])),
    start_date_gte: Type.Optional(date()),
    start_date_lt: Type.Optional(date()),
  },
  { additionalProperties: false },
)

/** A task's state; null while nothing has happened. */
export const TaskStateSchema = nullable(
  Type.Enum(['scheduled', 'running', 'success', 'failed', 'skipped', 'up_for_retry']),
)
