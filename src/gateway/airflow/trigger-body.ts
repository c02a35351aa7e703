import { randomBytes } from 'node:crypto'
import { readConf } from '../conf.ts'
import { inputFromJson } from '../json.ts'
import { Problem } from '../problem.ts'
import type { RunWish } from '../runs/runs.ts'
import { RunConf } from '../schemas/run-request.ts'
import { checker } from '../validation.ts'
import { isoformat, parseDate } from './dates.ts'

/** What the stable APIs of Airflow 2 and 3 let a client send with a trigger; null is as good as absent. */
export interface StableTrigger {
  readonly dag_run_id?: string | null
  readonly logical_date?: string | null
  readonly conf?: object | null
  readonly note?: string | null
}

const checkConf = checker(RunConf, 'conf')

/**
 * Reads `conf` as the input of a run.
 * @throws Problem 400
 */
export function inputInConf(conf: unknown): RunWish['input'] {
  const read = readConf(conf)
  const problem = checkConf(read)
  if (problem !== undefined) throw problem
  return inputFromJson(read as RunConf)
}

/** A trigger of the stable APIs as a wish; the run id is made as Airflow makes it. */
export function wishOf(
  trigger: StableTrigger,
  startedBy: string,
  now: Date,
): RunWish & { readonly runId: string } {
  const given = trigger.logical_date ?? undefined
  const logicalDate = given === undefined ? now : parseDate('logical_date', given)
  // Airflow 3 adds some letters to the id of a run without a date of its own, so that no two meet.
  const suffix = given === undefined ? `_${randomBytes(4).toString('hex')}` : ''
  return {
    runId: trigger.dag_run_id ?? `manual__${isoformat(logicalDate)}${suffix}`,
    input: inputInConf(trigger.conf),
    startedBy,
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
