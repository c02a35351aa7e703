import type { Client } from '@temporalio/client'
import { cursorOf, tokenIn } from './cursor.ts'
import { factsOfRaw } from './raw-execution.ts'
import type { RunSummary } from './run.ts'
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
  client: Client,
  filter: RunFilter,
  { limit, cursor }: PageRequest,
): Promise<RunPage> {
  const query = visibilityQuery(filter)
  const { executions, nextPageToken } = await callTemporal(client, () =>
    client.workflowService.listWorkflowExecutions({
      namespace: client.options.namespace,
      query,
      pageSize: limit,
      nextPageToken: cursor === undefined ? null : tokenIn(cursor, query),
    }),
  )
  const runs = new Map<string, RunSummary>()
  for (const raw of executions ?? []) {
    const run = summaryOf(factsOfRaw(raw))
    const other = runs.get(run.workflowId)
    if (other === undefined || other.startedAt < run.startedAt) runs.set(run.workflowId, run)
  }
  return {
    runs: [...runs.values()],
    ...(nextPageToken?.length && { nextCursor: cursorOf(nextPageToken, query) }),
  }
}

/** How many runs there are. */
export async function countRuns(client: Client, filter: RunFilter): Promise<number> {
  const { count } = await callTemporal(client, () => client.workflow.count(visibilityQuery(filter)))
  return count
}
