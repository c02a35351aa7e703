import { type Static, Type } from 'typebox'
import { readConf } from '../conf.ts'
import { inputFromJson } from '../json.ts'
import type { RunWish } from '../runs/runs.ts'
import { RunConf, RunId } from '../schemas/run-request.ts'
import { checker } from '../validation.ts'
import { idOfDate, parseDate } from './dates.ts'
import { optionalDate } from './stable-schemas.ts'

/** Body of a trigger. Members that Airflow would not read are not read here either. */
export const TriggerBody = Type.Object(
  {
    run_id: Type.Optional(Type.Union([RunId, Type.Null()])),
    conf: Type.Optional(
      Type.Unknown({
        description:
          'What to do: an object, or a string that holds one as JSON or as Python prints it. Its fields are those of POST /runs.',
      }),
    ),
    execution_date: optionalDate,
    replace_microseconds: Type.Optional(
      Type.Union([Type.Boolean(), Type.String(), Type.Null()], {
        description: 'Cut the date to whole seconds; default: unless execution_date is given.',
      }),
    ),
  },
  {
    examples: [
      {
        run_id: 'post-triggered-run-2019-03-01',
        conf: '{"raw_path": "gs://my-raw-bucket/exports/raw-2019-03-01T000000/"}',
      },
    ],
  },
)
export type TriggerBody = Static<typeof TriggerBody>

/**
 * Reads a trigger as Airflow 1.10 does: the run id defaults to `manual__` and the execution date.
 * @throws Problem 400
 */
export function readTrigger(body: TriggerBody, now: Date): RunWish {
  const logicalDate = dateOf(body, now)
  const usual = idOfDate(logicalDate)
  const made = typeof body.execution_date === 'string' ? { ofDate: usual } : { ofMoment: usual }
  return {
    name: typeof body.run_id === 'string' ? { given: body.run_id } : made,
    input: inputIn(body.conf),
    logicalDate,
  }
}

const checkConf = checker(RunConf, 'conf')

function inputIn(conf: unknown): RunWish['input'] {
  const read = readConf(conf)
  const problem = checkConf(read)
  if (problem !== undefined) throw problem
  return inputFromJson(read as RunConf)
}

function dateOf(body: TriggerBody, now: Date): Date {
  const given = body.execution_date ?? undefined
  const date = given === undefined ? now : parseDate('execution_date', given)
  const replace = body.replace_microseconds ?? given === undefined
  const whole =
    typeof replace === 'string' ? ['t', 'true', 'y', 'yes', '1'].includes(replace.toLowerCase()) : replace
  return whole ? new Date(Math.floor(date.getTime() / 1000) * 1000) : date
}
