import { randomUUID } from 'node:crypto'
import type { Client } from '@temporalio/client'
import type { AverageSpeedInput } from '../../../workflows/contract.ts'
import type { RequestRules } from '../../../workflows/plan.ts'
import type { GatewayConfig } from '../../config.ts'
import type { Caller } from '../authentication/verify-token.ts'
import { cancelRun } from './cancel-run.ts'
import { describeRun, lookAtOwn, lookAtRun } from './describe-run.ts'
import { normaliseInput } from './input.ts'
import { countRuns, listRuns, type PageRequest, type RunPage } from './list-runs.ts'
import { refuseReloadOfOthers } from './refuse-reload.ts'
import { retryRun } from './retry-run.ts'
import type { Run, RunSummary } from './run.ts'
import { idsOfDate, type RunName } from './run-name.ts'
import type { Scope } from './scope.ts'
import { type Started, startRun } from './start-run.ts'
import type { RunFilter } from './visibility-query.ts'

/** What a caller asks of a start; nothing of it is checked beyond its shape. */
export interface RunWish {
  /** Absent: one is made that no other run has. */
  readonly name?: RunName
  readonly input: AverageSpeedInput
  readonly logicalDate?: Date
  readonly note?: string
}

/**
 * The one way to start and read runs; each API is a thin adapter over it. A caller reaches its own runs alone, an operator
 * those of all; for others a run does not exist. All methods throw `Problem`.
 */
export interface Runs {
  start(caller: Caller, wish: RunWish): Promise<Started>
  get(caller: Caller, runId: string): Promise<Run>
  /** As much of a run as a list tells, at the cost of one question. */
  look(caller: Caller, runId: string): Promise<RunSummary>
  /** The same of the caller's own run whose id was made of a date; `usualId` is the one that it has unless another was faster. */
  lookForDate(caller: Caller, usualId: string): Promise<RunSummary | undefined>
  list(caller: Caller, filter: RunFilter, page: PageRequest): Promise<RunPage>
  count(caller: Caller, filter: RunFilter): Promise<number>
  cancel(caller: Caller, runId: string): Promise<RunSummary>
  retry(caller: Caller, runId: string): Promise<RunSummary>
  webUiOf(run: Pick<RunSummary, 'workflowId' | 'executionId'>): string
}

/** Makes the core of the gateway. */
export function createRuns(
  client: Client,
  config: Pick<GatewayConfig, 'temporal' | 'pipeline' | 'secret'>,
): Runs {
  const { taskQueue, uiUrl, namespace } = config.temporal
  const rules = config.pipeline
  const { deployment } = rules
  const scopeOf = (caller: Caller): Scope => ({
    client,
    deployment,
    taskQueue,
    secret: config.secret,
    caller,
  })
  return {
    async start(caller, { name = { given: randomUUID() }, input, ...rest }) {
      const scope = scopeOf(caller)
      const normal = normaliseInput(input, rules)
      if (normal.reload !== undefined) await refuseReloadOfOthers(scope, normal.rawPath)
      return startRun(scope, { name, input: normal, ...rest })
    },
    get: (caller, runId) => describeRun(scopeOf(caller), runId),
    look: (caller, runId) => lookAtRun(scopeOf(caller), runId),
    lookForDate: (caller, usualId) => lookAtOwn(scopeOf(caller), idsOfDate(usualId, scopeOf(caller))),
    list: (caller, filter, page) => listRuns(scopeOf(caller), withFullPath(filter, rules), page),
    count: (caller, filter) => countRuns(scopeOf(caller), withFullPath(filter, rules)),
    cancel: (caller, runId) => cancelRun(scopeOf(caller), runId),
    retry: (caller, runId) => retryRun(scopeOf(caller), runId, rules),
    webUiOf: (run) =>
      `${uiUrl}/namespaces/${encodeURIComponent(namespace)}/workflows/${encodeURIComponent(run.workflowId)}/${run.executionId}/history`,
  }
}

/** Runs keep their raw path in full; a filter may give it as a caller does. */
function withFullPath(filter: RunFilter, rules: RequestRules): RunFilter {
  if (filter.rawPath === undefined) return filter
  return { ...filter, rawPath: normaliseInput({ rawPath: filter.rawPath }, rules).rawPath }
}
