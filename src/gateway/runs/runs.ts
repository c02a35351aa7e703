import { randomUUID } from 'node:crypto'
import type { Client } from '@temporalio/client'
import type { AverageSpeedInput } from '../../../workflows/contract.ts'
import type { RequestRules } from '../../../workflows/plan.ts'
import type { GatewayConfig } from '../../config.ts'
import { cancelRun } from './cancel-run.ts'
import { describeRun } from './describe-run.ts'
import { normaliseInput } from './input.ts'
import { countRuns, listRuns, type PageRequest, type RunPage } from './list-runs.ts'
import { retryRun } from './retry-run.ts'
import type { Run, RunSummary } from './run.ts'
import { type Started, startRun } from './start-run.ts'
import type { RunFilter } from './visibility-query.ts'

/** What a caller asks of a start; nothing of it is checked beyond its shape. */
export interface RunWish {
  /** Absent: one is made. */
  readonly runId?: string
  readonly input: AverageSpeedInput
  readonly startedBy: string
  readonly logicalDate?: Date
  readonly note?: string
}

/** The one way to start and read runs; every API is a dress over it. All methods throw `Problem`. */
export interface Runs {
  start(wish: RunWish): Promise<Started>
  get(runId: string): Promise<Run>
  list(filter: RunFilter, page: PageRequest): Promise<RunPage>
  count(filter: RunFilter): Promise<number>
  cancel(runId: string): Promise<RunSummary>
  /** @param startedBy e-mail of the caller who asks for it */
  retry(runId: string, startedBy: string): Promise<RunSummary>
  webUiOf(run: Pick<RunSummary, 'workflowId' | 'executionId'>): string
}

/** Makes the core of the gateway. */
export function createRuns(client: Client, config: Pick<GatewayConfig, 'temporal' | 'pipeline'>): Runs {
  const { taskQueue, uiUrl, namespace } = config.temporal
  const rules = config.pipeline
  return {
    start({ runId = randomUUID(), input, ...rest }) {
      const request = { runId, input: normaliseInput(input, rules), ...rest }
      return startRun(client, request, taskQueue)
    },
    get: (runId) => describeRun(client, runId),
    list: (filter, page) => listRuns(client, withFullPath(filter, rules), page),
    count: (filter) => countRuns(client, withFullPath(filter, rules)),
    cancel: (runId) => cancelRun(client, runId),
    retry: (runId, startedBy) => retryRun(client, runId, startedBy, { taskQueue, rules }),
    webUiOf: (run) =>
      `${uiUrl}/namespaces/${encodeURIComponent(namespace)}/workflows/${encodeURIComponent(run.workflowId)}/${run.executionId}/history`,
  }
}

/** Runs keep their raw path in full; a filter may give it as a caller does. */
function withFullPath(filter: RunFilter, rules: RequestRules): RunFilter {
  if (filter.rawPath === undefined) return filter
  return { ...filter, rawPath: normaliseInput({ rawPath: filter.rawPath }, rules).rawPath }
}
