import { type Static, Type } from 'typebox'
import { STEPS } from '../../../workflows/contract.ts'
import { RUN_STATUSES, RunSummarySchema } from './run.ts'

/** Filters and paging of GET /runs. */
export const RunListQuery = Type.Object(
  {
    status: Type.Optional(Type.Enum([...RUN_STATUSES])),
    started_by: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 254,
        description: 'E-mail of who asked for it. Runs of others are listed to operators alone.',
      }),
    ),
    raw_path: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 1024,
        description: 'The batch, in full or relative to the raw bucket.',
      }),
    ),
    step: Type.Optional(Type.Enum([...STEPS], { description: 'The step it is at, or ended in.' })),
    started_after: Type.Optional(Type.String({ format: 'date-time', description: 'At or after this time.' })),
    started_before: Type.Optional(Type.String({ format: 'date-time', description: 'Before this time.' })),
    limit: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 100, description: 'Runs a page; default: 20.' }),
    ),
    cursor: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 4096,
        pattern: '^[A-Za-z0-9_-]+$',
        description: 'next_cursor of the page before, with the same filters.',
      }),
    ),
  },
  { additionalProperties: false },
)
export type RunListQuery = Static<typeof RunListQuery>

/** A page of runs. */
export const RunListSchema = Type.Object({
  runs: Type.Array(RunSummarySchema, { description: 'Those that go on first, then the last to end.' }),
  next_cursor: Type.Optional(Type.String({ description: 'Leads to the next page; absent on the last.' })),
})
export type RunListJson = Static<typeof RunListSchema>
