import { type Static, Type } from 'typebox'
import { RUN_ID_PATTERN, WRITE_DISPOSITIONS } from '../../../workflows/contract.ts'

const path = (description: string) => Type.String({ minLength: 1, maxLength: 1024, description })

/** A caller's own name for a run. */
export const RunId = Type.String({
  pattern: RUN_ID_PATTERN,
  description:
    'Name of the run: at most 200 letters, digits and _ . : + @ = ~ -, beginning with a letter or digit. Sent again, it names the same run.',
})

/** What a run may be asked to do, field by field; the wording is for people who write triggers. */
export const runFields = {
  raw_path: path(
    'The batch: gs://<bucket>/<folder>/raw-<timestamp>/, or the same relative to the deployment’s raw bucket.',
  ),
  transformed_path: Type.Optional(
    path(
      'Where Spark writes; default: the sibling transformed-<timestamp>/. Full URI, or relative to the bucket.',
    ),
  ),
  failed_path: Type.Optional(
    path(
      'Where a bad batch’s files go; default: the sibling failed-<timestamp>/. Full URI, or relative to the bucket.',
    ),
  ),
  output_table: Type.Optional(
    Type.String({
      // https://cloud.google.com/bigquery/docs/tables#table_naming, less the names that need quoting
      pattern: '^[a-z][a-z0-9-]{4,28}[a-z0-9][.:][A-Za-z0-9_]{1,300}[.][A-Za-z0-9_-]{1,300}$',
      description: 'project.dataset.table or project:dataset.table; default: the deployment’s table.',
    }),
  ),
  write_disposition: Type.Optional(
    Type.Enum([...WRITE_DISPOSITIONS], {
      description:
        'WRITE_TRUNCATE (default): the table holds this batch alone. WRITE_APPEND: each batch once.',
    }),
  ),
  max_rejects: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 1_000_000_000,
      description: 'Most records that may be unreadable; default: the deployment’s limit.',
    }),
  ),
  max_reject_share: Type.Optional(
    Type.Number({
      minimum: 0,
      maximum: 1,
      description: 'The same as a share of the records read. The stricter of the two limits holds.',
    }),
  ),
  reload: Type.Optional(
    Type.String({
      pattern: '^[a-z0-9-]{1,40}$',
      description:
        'A label that asks for a deliberate reload of a batch that was loaded before. The same label twice is the same reload.',
    }),
  ),
}

/** The fields of a run's input alone, as an Airflow trigger sends them in `conf`. */
export const RunConf = Type.Object(runFields, { additionalProperties: false })
export type RunConf = Static<typeof RunConf>

/** Body of POST /runs. */
export const RunRequest = Type.Object(
  { run_id: Type.Optional(RunId), ...runFields },
  {
    additionalProperties: false,
    examples: [{ run_id: 'trips-2019-03', raw_path: 'gs://my-raw-bucket/exports/raw-2019-03-01T000000/' }],
  },
)
