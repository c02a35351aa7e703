import { type Static, Type } from 'typebox'
import { STEPS } from '../../../workflows/contract.ts'
import { runFields } from './run-request.ts'

/** The states of a run, in the words of the native API. */
export const RUN_STATUSES = [
  'queued',
  'running',
  'succeeded',
  'failed',
  'cancelled',
  'terminated',
  'timed_out',
] as const
export type RunStatus = (typeof RUN_STATUSES)[number]

/** True for a run that goes on, though it may wait for a cluster. */
export function isOngoing(status: RunStatus): boolean {
  return status === 'queued' || status === 'running'
}

const time = (description: string) => Type.String({ format: 'date-time', description })
const count = (description: string) => Type.Integer({ minimum: 0, description })
const text = (description: string) => Type.String({ description })
const optionalText = (description: string) => Type.Optional(text(description))

/** One step of a run. */
export const StepSchema = Type.Object({
  name: Type.Enum([...STEPS]),
  state: Type.Enum(['pending', 'running', 'done', 'failed', 'cancelled', 'skipped']),
  started_at: Type.Optional(time('When the step began.')),
  ended_at: Type.Optional(time('When the step ended.')),
  detail: optionalText('What the step is at, or what came of it.'),
})

/** An activity that Temporal is still trying. */
export const ActivitySchema = Type.Object({
  name: Type.String(),
  attempt: count('Which try this is, from 1.'),
  state: Type.Enum(['scheduled', 'started', 'cancel_requested', 'paused']),
  last_failure: optionalText('Why the try before failed.'),
})

/** A cluster that the run paid for. */
export const ClusterSchema = Type.Object({
  name: Type.String(),
  uuid: Type.Optional(Type.String()),
  seconds: Type.Number({ description: 'From the request to create it to its confirmed end.' }),
  waiting_seconds: Type.Optional(
    Type.Number({
      description: 'The part of them in which the running cluster had no job, if that is known.',
    }),
  ),
  deleted: Type.Boolean(),
})

/** What a run reports when it has succeeded. A run of an earlier release may lack what was added since. */
export const ResultSchema = Type.Partial(
  Type.Object({
    raw_path: Type.String(),
    output_table: text('The table that holds the batch.'),
    write_disposition: text('How the batch was loaded, by whichever run did so.'),
    manifest_uri: Type.String(),
    files: count('Raw files.'),
    bytes: count('Their size together.'),
    rows_read: count(
      'Records in the raw files. Absent, as the next two are, when an earlier run had loaded them.',
    ),
    rows_written: count('Rows that Spark wrote.'),
    rows_rejected: count('Records that could not be read.'),
    rows_loaded: count('Rows that BigQuery loaded.'),
    load_job_id: Type.String(),
    loaded_before: Type.Boolean({
      description: 'An earlier run had loaded the batch; this one did the rest.',
    }),
    replaced_batch: text('Raw path of the batch that the table held before.'),
    processed_path: Type.String(),
    files_archived: count('Raw files moved to the processed path.'),
    bytes_archived: count('Their size together; the same as bytes.'),
    files_left_in_place: count('Files that landed later; they are where they were.'),
    rejected_path: text('Where the rejected records lie.'),
    clusters: Type.Array(ClusterSchema),
    cluster_seconds: Type.Number({ description: 'Sum over the clusters.' }),
    waiting_seconds: Type.Number({ description: 'Sum over the clusters.' }),
    queued_seconds: Type.Number({ description: 'How long the run waited for its turn to have a cluster.' }),
    started_by: text('E-mail of who asked for the run, if that is known.'),
    started_at: time('When the run began.'),
    attempt: count('The attempt whose output was loaded, from 1.'),
    cancelled_too_late: Type.Boolean({ description: 'A cancel came after the load had begun.' }),
    not_cleaned: Type.Array(Type.String(), { description: 'What could not be cleaned up.' }),
    receipt_uri: text('The record of the run, beside the archived files.'),
  }),
)

/** Why a run did not succeed. */
export const FailureSchema = Type.Object({
  type: Type.String({ description: 'Name of the failure, such as TooManyRejects.' }),
  message: Type.String({ description: 'What went wrong, and what to do.' }),
  kind: Type.Optional(
    Type.Enum(['request', 'data', 'infrastructure'], {
      description: 'data: the batch is bad. infrastructure: the files are untouched, a retry may do.',
    }),
  ),
  step: Type.Optional(Type.Enum([...STEPS])),
  raw_files_at: optionalText('Where the raw files are now.'),
  clusters: Type.Optional(Type.Array(ClusterSchema)),
  not_cleaned: Type.Optional(Type.Array(Type.String())),
})

/** Where else to look. */
export const LinksSchema = Type.Object({
  self: Type.String({ description: 'The run in this API, relative to its host.' }),
  web_ui: Type.String({ description: 'The run in the Temporal Web UI.' }),
})

const summary = {
  run_id: Type.String(),
  workflow_id: Type.String(),
  status: Type.Enum([...RUN_STATUSES]),
  started_by: optionalText('E-mail of who first asked for it; absent when it was started by other means.'),
  retried_by: optionalText('E-mail of who asked for it again; absent unless it was retried.'),
  started_at: time('When the run began.'),
  raw_path: optionalText('The batch, as a full URI.'),
  links: LinksSchema,
}

/** A run as a start and a list show it. */
export const RunSummarySchema = Type.Object({
  ...summary,
  ended_at: Type.Optional(time('When the run ended.')),
  step: optionalText('The step it is at, or ended in.'),
})

/** A run in full. */
export const RunSchema = Type.Object({
  ...summary,
  ended_at: Type.Optional(time('When the run ended.')),
  cancelled_by: optionalText(
    'E-mail of who asked to cancel it; absent unless that was asked, or when it was by other means.',
  ),
  input: Type.Optional(Type.Object(runFields, { description: 'What was asked for, paths in full.' })),
  attempt: Type.Optional(count('Which try of cluster and job this is, from 1.')),
  cluster_name: Type.Optional(Type.String()),
  spark_job_id: Type.Optional(Type.String()),
  load_job_id: Type.Optional(Type.String()),
  steps: Type.Array(StepSchema),
  activities: Type.Array(ActivitySchema, { description: 'What is being tried right now.' }),
  result: Type.Optional(ResultSchema),
  failure: Type.Optional(FailureSchema),
})

export type RunSummaryJson = Static<typeof RunSummarySchema>
export type RunJson = Static<typeof RunSchema>
