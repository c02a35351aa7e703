import type { Client, WorkflowExecutionDescription } from '@temporalio/client'
import { STARTED_BY_MEMO } from '../../../workflows/contract.ts'
import type { Caller } from '../authentication/verify-token.ts'
import { attributes } from './attributes.ts'

/** Whose runs are whose. */
export interface Deployment {
  /** Name of the deployment that the gateway serves. */
  readonly deployment: string
  readonly taskQueue: string
  /** Key of callers' pseudonyms and of the digests in cursors. */
  readonly secret: string
}

/** What one request may reach: the runs of the deployment that its caller may see. */
export interface Scope extends Deployment {
  readonly client: Client
  readonly caller: Caller
}

/** What is looked at to tell whose a run is: what only the gateway writes. */
interface Owned {
  readonly memo?: Readonly<Record<string, unknown>> | undefined
}

/** Who first asked for a run; nobody if it was started by hand or by a schedule. */
export function ownerOf({ memo }: Owned): string | undefined {
  const owner = memo?.[STARTED_BY_MEMO]
  return typeof owner === 'string' && owner !== '' ? owner : undefined
}

/** Whether the caller may know of a run of the deployment: its own, and an operator of every one. */
export function maySee({ caller }: Pick<Scope, 'caller'>, run: Owned): boolean {
  return caller.isOperator || ownerOf(run) === caller.email
}

/**
 * Whether a run is the deployment's. One that was started by hand has no such mark before a worker has seen it; it is
 * theirs who work on its task queue.
 */
export function isOfDeployment(
  { deployment, taskQueue }: Pick<Scope, 'deployment' | 'taskQueue'>,
  run: Pick<WorkflowExecutionDescription, 'searchAttributes' | 'taskQueue'>,
): boolean {
  const [mark] = run.searchAttributes[attributes.deployment.name] ?? []
  return mark === undefined ? run.taskQueue === taskQueue : mark === deployment
}
