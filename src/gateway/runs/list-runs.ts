import { pseudonymOf } from '../keyed-digest.ts'
import { cursorOf, tokenIn } from './cursor.ts'
import { factsOfRaw } from './raw-execution.ts'
import type { RunSummary } from './run.ts'
import { maySee, type Scope } from './scope.ts'
import { summaryOf } from './summary.ts'
import { callTemporal } from './temporal-call.ts'
import { type RunFilter, visibilityQuery } from './visibility-query.ts'

/** A page of runs in the order of visibility: on SQL those that go on, then the last to end; within these the latest. */
export interface RunPage {
  readonly runs: readonly RunSummary[]
  /** Leads to the next page; absent on the last. */
  readonly nextCursor?: string
}

/** Which page is wanted. */
export interface PageRequest {
  readonly limit: number
  readonly cursor?: string
}

/**
 * Lists runs from Temporal's visibility, which follows a start or an end within moments. A run that was retried or reset
 * counts once a page, as its latest execution.
 * @throws Problem 400 for a cursor that this list did not give, 503 when Temporal is away
 */
export async function listRuns(
  scope: Scope,
  filter: RunFilter,
  { limit, cursor }: PageRequest,
): Promise<RunPage> {
  const { client, secret, caller } = scope
  const query = queryOf(scope, filter)
  const use = { secret, query, caller: caller.email }
  const token = cursor === undefined ? null : tokenIn(cursor, use)
  const { executions, nextPageToken } = await callTemporal(client, () =>
    client.workflowService.listWorkflowExecutions({
      namespace: client.options.namespace,
      query,
      pageSize: limit,
      nextPageToken: token,
    }),
  )
  // What was started by hand may bear any attribute, so the list does not rest on them alone.
  const visible = (executions ?? []).map(factsOfRaw).filter((one) => maySee(scope, one))
  return {
    runs: eachOnce(visible.map(summaryOf)),
    ...(nextPageToken?.length && { nextCursor: cursorOf(nextPageToken, use) }),
  }
}

/** Each run once, as the latest of its executions that are among these, where the first of them stands. */
export function eachOnce(executions: readonly RunSummary[]): readonly RunSummary[] {
  const runs = new Map<string, RunSummary>()
  for (const run of executions) {
    const other = runs.get(run.workflowId)
    if (other === undefined || other.startedAt < run.startedAt) runs.set(run.workflowId, run)
  }
  return [...runs.values()]
}

/** How many executions there are: more than runs, where some were retried or reset. */
export async function countRuns(scope: Scope, filter: RunFilter): Promise<number> {
  const { client } = scope
  const { count } = await callTemporal(client, () => client.workflow.count(queryOf(scope, filter)))
  return count
}

/** The deployment's runs that fit the filter and belong to the caller, unless that is an operator. */
function queryOf({ deployment, secret, caller }: Scope, { startedBy, ...filter }: RunFilter): string {
  const emails = [
    ...(caller.isOperator ? [] : [caller.email]),
    ...(startedBy === undefined ? [] : [startedBy]),
  ]
  return visibilityQuery(filter, { deployment, owners: emails.map((email) => pseudonymOf(email, secret)) })
}
