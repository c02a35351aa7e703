import {
  type Client,
  type WorkflowExecutionDescription,
  WorkflowFailedError,
  WorkflowNotFoundError,
} from '@temporalio/client'
import { PROGRESS_MEMO, type RunProgress, WORKFLOW_TYPE, workflowIdOf } from '../../../workflows/contract.ts'
import { Problem } from '../problem.ts'
import { isOngoing, type RunStatus } from '../schemas/run.ts'
import { cancelledBy } from './cancelled-by.ts'
import { failureOf } from './failure.ts'
import { pendingActivitiesOf } from './pending-activities.ts'
import type { Run, RunSummary } from './run.ts'
import { isOfDeployment, maySee, ownerOf, type Scope } from './scope.ts'
import { factsOf, summaryOf } from './summary.ts'
import { callTemporal } from './temporal-call.ts'

/**
 * Reads a run from Temporal's own records, never by a query, so that it answers while no worker runs.
 * @throws Problem 404 when there is no such run, 503 when Temporal is away
 */
export async function describeRun(scope: Scope, runId: string): Promise<Run> {
  const description = await describeExecution(scope, runId)
  const facts = factsOf(description)
  const summary = summaryOf(facts)
  const progress = facts.memo[PROGRESS_MEMO] as RunProgress | undefined
  const by = await cancelledBy(scope, description)
  return {
    ...summary,
    ...(by !== undefined && { cancelledBy: by }),
    ...(progress && { progress: settled(progress, summary.status) }),
    activities: pendingActivitiesOf(description.raw.pendingActivities ?? []),
    ...(!isOngoing(summary.status) && (await outcomeOf(scope.client, summary))),
  }
}

/** What a list would say of a run, but up to date. @throws Problem 404 when there is no such run, 503 when Temporal is away */
export async function lookAtRun(scope: Scope, runId: string): Promise<RunSummary> {
  return summaryOf(factsOf(await describeExecution(scope, runId)))
}

/** The first of these runs that is there and the caller's own. @throws Problem 503 when Temporal is away */
export async function lookAtOwn(scope: Scope, runIds: readonly string[]): Promise<RunSummary | undefined> {
  for (const runId of runIds) {
    const description = await describeIfVisible(scope, workflowIdOf(runId))
    if (description !== undefined && ownerOf(description) === scope.caller.email) {
      return summaryOf(factsOf(description))
    }
  }
  return undefined
}

/**
 * Describes the latest execution of a run that the caller may see.
 * @throws Problem 404 when there is none: for others a run does not exist
 */
export async function describeExecution(scope: Scope, runId: string): Promise<WorkflowExecutionDescription> {
  // A workflow started by hand in the Web UI has an id of its own, which is then the run's.
  for (const workflowId of [workflowIdOf(runId), runId]) {
    const description = await describeIfVisible(scope, workflowId)
    if (description !== undefined) return description
  }
  throw new Problem(404, `There is no run ${JSON.stringify(runId)}.`)
}

/** Describes the latest execution of a workflow if it is a run of the deployment that the caller may see. */
export async function describeIfVisible(
  scope: Scope,
  workflowId: string,
): Promise<WorkflowExecutionDescription | undefined> {
  const { client } = scope
  try {
    const found = await callTemporal(client, () => client.workflow.getHandle(workflowId).describe())
    return found.type === WORKFLOW_TYPE && isOfDeployment(scope, found) && maySee(scope, found)
      ? found
      : undefined
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined
    throw error
  }
}

async function outcomeOf(
  client: Client,
  run: { readonly workflowId: string; readonly executionId: string },
): Promise<Pick<Run, 'result' | 'failure'>> {
  // The execution is named, so that a retry that begins in between is not waited for.
  const handle = client.workflow.getHandle(run.workflowId, run.executionId, { followRuns: false })
  try {
    const result: unknown = await callTemporal(client, () => handle.result())
    return typeof result === 'object' && result !== null ? { result: result } : {}
  } catch (error) {
    if (error instanceof WorkflowFailedError) return { failure: failureOf(error.cause) }
    throw error
  }
}

/** A run that was ended from outside left its steps as they were; none of them runs any more. */
function settled(progress: RunProgress, status: RunStatus): RunProgress {
  if (isOngoing(status)) return progress
  const state = status === 'failed' ? 'failed' : 'cancelled'
  return {
    ...progress,
    steps: progress.steps.map((step) => (step.state === 'running' ? { ...step, state } : step)),
  }
}
