import { createHash } from 'node:crypto'
import { type Static, Type } from 'typebox'
import { PIPELINE } from '../../../workflows/contract.ts'
import { inputToJson } from '../json.ts'
import type { Run, RunSummary } from '../runs/run.ts'
import { isoformat } from './dates.ts'
import { date, nullable, StateSchema, TaskStateSchema } from './stable-schemas.ts'
import { dagRunStateOf } from './states.ts'
import { tasksOf } from './task-instances.ts'

/** A run in Airflow 3's API. */
export const DagRunV2 = Type.Object({
  bundle_version: Type.Null(),
  conf: nullable(Type.Object({}, { additionalProperties: true })),
  dag_display_name: Type.String(),
  dag_id: Type.String(),
  dag_run_id: Type.String(),
  dag_versions: Type.Array(Type.Object({})),
  data_interval_end: nullable(date()),
  data_interval_start: nullable(date()),
  duration: nullable(Type.Number()),
  end_date: nullable(date()),
  last_scheduling_decision: nullable(date()),
  logical_date: nullable(date()),
  note: nullable(Type.String()),
  partition_date: nullable(date()),
  partition_key: nullable(Type.String()),
  queued_at: nullable(date()),
  run_after: date(),
  run_type: Type.Literal('manual'),
  start_date: nullable(date()),
  state: StateSchema,
  triggered_by: Type.Literal('rest_api'),
  triggering_user_name: nullable(Type.String()),
})

/** A task of a run in Airflow 3's API. */
export const TaskInstanceV2 = Type.Object({
  dag_display_name: Type.String(),
  dag_id: Type.String(),
  dag_run_id: Type.String(),
  dag_version: Type.Null(),
  duration: nullable(Type.Number()),
  end_date: nullable(date()),
  executor: Type.Null(),
  executor_config: Type.String(),
  hostname: nullable(Type.String()),
  id: Type.String({ format: 'uuid' }),
  logical_date: nullable(date()),
  map_index: Type.Integer(),
  max_tries: Type.Integer(),
  note: nullable(Type.String()),
  operator: Type.Null(),
  operator_name: Type.Null(),
  pid: Type.Null(),
  pool: Type.String(),
  pool_slots: Type.Integer(),
  priority_weight: Type.Null(),
  queue: Type.Null(),
  queued_when: Type.Null(),
  rendered_fields: Type.Object({}),
  rendered_map_index: Type.Null(),
  run_after: date(),
  scheduled_when: Type.Null(),
  start_date: nullable(date()),
  state: TaskStateSchema,
  task_display_name: Type.String(),
  task_id: Type.String(),
  trigger: Type.Null(),
  triggerer_job: Type.Null(),
  try_number: Type.Integer(),
  unixname: Type.Null(),
})

/** A run in Airflow 3's words. */
export function dagRunV2(run: RunSummary): Static<typeof DagRunV2> {
  const started = isoformat(run.startedAt)
  const logical = isoformat(run.logicalDate)
  return {
    bundle_version: null,
    conf: run.input === undefined ? null : inputToJson(run.input),
    dag_display_name: PIPELINE,
    dag_id: PIPELINE,
    dag_run_id: run.runId,
    dag_versions: [],
    data_interval_end: logical,
    data_interval_start: logical,
    duration: run.endedAt === undefined ? null : (run.endedAt.getTime() - run.startedAt.getTime()) / 1000,
    end_date: run.endedAt === undefined ? null : isoformat(run.endedAt),
    last_scheduling_decision: null,
    logical_date: logical,
    note: run.note ?? null,
    partition_date: null,
    partition_key: null,
    queued_at: started,
    run_after: logical,
    run_type: 'manual',
    start_date: started,
    state: dagRunStateOf(run.status),
    triggered_by: 'rest_api',
    triggering_user_name: run.startedBy ?? null,
  }
}

/** A run's steps in Airflow 3's words. */
export function taskInstancesV2(run: Run): Static<typeof TaskInstanceV2>[] {
  return tasksOf(run).map((task) => ({
    ...task,
    dag_display_name: PIPELINE,
    dag_id: PIPELINE,
    dag_run_id: run.runId,
    dag_version: null,
    executor: null,
    executor_config: '{}',
    hostname: null,
    id: idOf(`${run.executionId}/${task.task_id}`),
    logical_date: isoformat(run.logicalDate),
    map_index: -1,
    max_tries: 0,
    operator: null,
    operator_name: null,
    pid: null,
    pool: 'default_pool',
    pool_slots: 1,
    priority_weight: null,
    queue: null,
    queued_when: null,
    rendered_fields: {},
    rendered_map_index: null,
    run_after: isoformat(run.logicalDate),
    scheduled_when: null,
    task_display_name: task.task_id,
    trigger: null,
    triggerer_job: null,
    unixname: null,
  }))
}

/** A UUID that is the same for the same name (version 8, RFC 9562 section 5.8). */
function idOf(name: string): string {
  const hex = createHash('sha256').update(name).digest('hex')
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 0x3) | 0x8).toString(16)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}
