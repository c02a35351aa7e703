import { randomBytes } from 'node:crypto'
import { inputFromJson } from '../json.ts'
import { Problem } from '../problem.ts'
import type { RunWish } from '../runs/runs.ts'
import type { RunConf } from '../schemas/run-request.ts'
import { idOfDate, parseDate } from './dates.ts'

/** What the stable APIs of Airflow 2 and 3 let a client send with a trigger. */
export interface StableTrigger {
  readonly dag_run_id?: string | null
  readonly logical_date?: string | null
  readonly conf: RunConf
  readonly note?: string | null
}

/** A trigger of the stable APIs as a wish; the run id is made as Airflow makes it. */
export function wishOf(trigger: StableTrigger, now: Date): RunWish {
  const given = trigger.logical_date ?? undefined
  const logicalDate = given === undefined ? now : parseDate('logical_date', given)
  // Airflow 3 adds some letters to the id of a run without a date of its own, so that no two meet.
  const made =
    given === undefined
      ? { ofMoment: `${idOfDate(logicalDate)}_${randomBytes(4).toString('hex')}` }
      : { ofDate: idOfDate(logicalDate) }
  return {
    name: typeof trigger.dag_run_id === 'string' ? { given: trigger.dag_run_id } : made,
    input: inputFromJson(trigger.conf),
    logicalDate,
    ...(typeof trigger.note === 'string' && { note: trigger.note }),
  }
}

/** @throws Problem 409 in Airflow's words */
export function alreadyThere(dagId: string, runId: string): Problem {
  return new Problem(
    409,
    `A run of ${dagId} with the id ${JSON.stringify(runId)} exists already. Get it, or choose another dag_run_id.`,
  )
}
