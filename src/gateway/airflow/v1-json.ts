import { type Static, Type } from 'typebox'
import { PIPELINE } from '../../../workflows/contract.ts'
import { inputToJson } from '../json.ts'
import type { Run, RunSummary } from '../runs/run.ts'
import { isoformat } from './dates.ts'
import { date, nullable, StateSchema, TaskStateSchema } from './stable-schemas.ts'
import { dagRunStateOf } from './states.ts'
import { tasksOf } from './task-instances.ts'

/** A run in Airflow 2's stable API. */
export const DagRunV1 = Type.Object({
  conf: Type.Object({}, { additionalProperties: true }),
  dag_id: Type.String(),
  dag_run_id: Type.String(),
  data_interval_end: nullable(date()),
  data_interval_start: nullable(date()),
  end_date: nullable(date()),
  execution_date: date(),
  external_trigger: Type.Boolean(),
  last_scheduling_decision: nullable(date()),
  logical_date: date(),
  note: nullable(Type.String()),
  run_type: Type.Literal('manual'),
  start_date: date(),
  state: StateSchema,
})

/** A task of a run in Airflow 2's stable API. */
export const TaskInstanceV1 = Type.Object({
  dag_id: Type.String(),
  dag_run_id: Type.String(),
  duration: nullable(Type.Number()),
  end_date: nullable(date()),
  execution_date: date(),
  executor_config: Type.String(),
  hostname: Type.String(),
  map_index: Type.Integer(),
  max_tries: Type.Integer(),
  note: nullable(Type.String()),
  operator: nullable(Type.String()),
  pid: nullable(Type.Integer()),
  pool: Type.String(),
  pool_slots: Type.Integer(),
  priority_weight: Type.Integer(),
  queue: nullable(Type.String()),
  queued_when: nullable(date()),
  sla_miss: Type.Null(),
  start_date: nullable(date()),
  state: TaskStateSchema,
  task_id: Type.String(),
  try_number: Type.Integer(),
  unixname: Type.String(),
})

/** A run in Airflow 2's words. */
export function dagRunV1(run: RunSummary): Static<typeof DagRunV1> {
  const logical = isoformat(run.logicalDate)
  return {
    conf: run.input === undefined ? {} : inputToJson(run.input),
    dag_id: PIPELINE,
    dag_run_id: run.runId,
    data_interval_end: logical,
    data_interval_start: logical,
    end_date: run.endedAt === undefined ? null : isoformat(run.endedAt),
    execution_date: logical,
    external_trigger: true,
    last_scheduling_decision: null,
    logical_date: logical,
    note: run.note ?? null,
    run_type: 'manual',
    start_date: isoformat(run.startedAt),
    state: dagRunStateOf(run.status),
  }
}

/** A run's steps in Airflow 2's words. */
export function taskInstancesV1(run: Run): Static<typeof TaskInstanceV1>[] {
  return tasksOf(run).map((task) => ({
    ...task,
    dag_id: PIPELINE,
    dag_run_id: run.runId,
    execution_date: isoformat(run.logicalDate),
    executor_config: '{}',
    hostname: '',
    map_index: -1,
    max_tries: 0,
    operator: null,
    pid: null,
    pool: 'default_pool',
    pool_slots: 1,
    priority_weight: 1,
    queue: null,
    queued_when: null,
    sla_miss: null,
    unixname: '',
  }))
}
