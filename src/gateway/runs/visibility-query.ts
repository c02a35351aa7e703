import { keywordOf, type StepName, WORKFLOW_TYPE } from '../../../workflows/contract.ts'
import type { RunStatus } from '../schemas/run.ts'
import { conditionOf } from './status.ts'

/** Which runs are wanted; all filters must hold. */
export interface RunFilter {
  /** Any of these. */
  readonly statuses?: readonly RunStatus[]
  /** E-mail address, in lower case. */
  readonly startedBy?: string
  /** Full URI. */
  readonly rawPath?: string
  readonly step?: StepName
  /** At or after. */
  readonly startedAfter?: Date
  /** Before. */
  readonly startedBefore?: Date
  readonly logicalDate?: Date
}

/** Among which runs the wanted ones are. */
export interface Realm {
  readonly deployment: string
  /** Pseudonyms that must all be the owner's; none: whoever it is. */
  readonly owners: readonly string[]
}

/**
 * A list filter of Temporal's visibility: https://docs.temporal.io/list-filter. There is no ORDER BY, which stores on SQL
 * and Temporal Cloud refuse; they give the latest first.
 */
export function visibilityQuery(filter: Omit<RunFilter, 'startedBy'>, { deployment, owners }: Realm): string {
  const { statuses, rawPath, step, startedAfter, startedBefore, logicalDate } = filter
  return [
    `WorkflowType = ${quoted(WORKFLOW_TYPE)}`,
    `Deployment = ${quoted(deployment)}`,
    ...owners.map((owner) => `Owner = ${quoted(owner)}`),
    statuses && `(${statuses.map(conditionOf).join(' OR ')})`,
    rawPath && `RawPath = ${quoted(keywordOf(rawPath))}`,
    step && `RunStep = ${quoted(step)}`,
    startedAfter && `StartTime >= ${quoted(startedAfter.toISOString())}`,
    startedBefore && `StartTime < ${quoted(startedBefore.toISOString())}`,
    logicalDate && withinMillisecond('LogicalDate', logicalDate),
  ]
    .filter((condition) => condition !== undefined && condition !== '')
    .join(' AND ')
}

// Equality of dates never holds on SQLite, which keeps them as text with another number of digits.
function withinMillisecond(attribute: string, date: Date): string {
  const next = new Date(date.getTime() + 1)
  return `${attribute} >= ${quoted(date.toISOString())} AND ${attribute} < ${quoted(next.toISOString())}`
}

function quoted(text: string): string {
  return `'${text.replace(/['\\]/g, '\\$&')}'`
}
