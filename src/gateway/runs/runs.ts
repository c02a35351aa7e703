import { randomUUID } from 'node:crypto'
import type { Client } from '@temporalio/client'
import type { AverageSpeedInput } from '../../../workflows/contract.ts'
import type { GatewayConfig } from '../../config.ts'
import { describeRun } from './describe-run.ts'
import { normaliseInput } from './input.ts'
import type { Run, RunSummary } from './run.ts'
import { type Started, startRun } from './start-run.ts'

/** What a caller asks of a start; nothing of it is checked beyond its shape. */
export interface RunWish {
  /** Absent: one is made. */
  readonly runId?: string
  readonly input: AverageSpeedInput
  readonly startedBy: string
  readonly logicalDate?: Date
}

/** The one way to start and read runs; every API is a dress over it. All methods throw `Problem`. */
export interface Runs {
  start(wish: RunWish): Promise<Started>
  get(runId: string): Promise<Run>
  webUiOf(run: Pick<RunSummary, 'workflowId' | 'executionId'>): string
}

/** Makes the core of the gateway. */
export function createRuns(client: Client, config: Pick<GatewayConfig, 'temporal' | 'pipeline'>): Runs {
  const { taskQueue, uiUrl, namespace } = config.temporal
  return {
    start({ runId = randomUUID(), input, ...rest }) {
      const request = { runId, input: normaliseInput(input, config.pipeline.paths), ...rest }
      return startRun(client, request, taskQueue)
    },
    get: (runId) => describeRun(client, runId),
    webUiOf: (run) =>
      `${uiUrl}/namespaces/${encodeURIComponent(namespace)}/workflows/${encodeURIComponent(run.workflowId)}/${run.executionId}/history`,
  }
}
