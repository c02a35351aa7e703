import type { WorkflowStartOptions } from '@temporalio/client'
import { type SearchAttributePair, TypedSearchAttributes } from '@temporalio/common'
import {
  type AverageSpeedInput,
  INPUT_MEMO,
  keywordOf,
  RETRIED_BY_MEMO,
  STARTED_BY_MEMO,
  STEPS,
  workflowIdOf,
} from '../../../workflows/contract.ts'
import { code } from '../../../workflows/markdown.ts'
import { inputToJson } from '../json.ts'
import { pseudonymOf } from '../keyed-digest.ts'
import { attributes } from './attributes.ts'
import type { Deployment } from './scope.ts'
import { NOTE_MEMO } from './summary.ts'

/** A run that may be started: its input is normalised. */
export interface StartRequest {
  readonly runId: string
  readonly input: AverageSpeedInput
  /** E-mail of who first asked for it, whose run it is; absent for a run that was first started by hand. */
  readonly startedBy?: string
  /** E-mail of who asks for it again. */
  readonly retriedBy?: string
  /** The date that an Airflow client gave the run. */
  readonly logicalDate?: Date
  /** What an Airflow client remarks on it. */
  readonly note?: string
}

type AverageSpeed = (input: AverageSpeedInput) => Promise<unknown>

// Limit of a static summary: https://docs.temporal.io/develop/typescript/observability (200 bytes)
const SUMMARY_BYTES = 200

// Temporal's limit is 20,000 bytes for all of them (limit.userMetadataDetailsSize), of which there are some twelve.
const DETAIL_BYTES = 1_500

/**
 * The exact options of a start. A run id is used once, whether its run is open or closed (P1). There is no timeout: the
 * workflow bounds each step, and must never be stopped before its teardown.
 */
export function startOptions(request: StartRequest, deployment: Deployment) {
  const { runId, input, startedBy, retriedBy, note } = request
  return {
    workflowId: workflowIdOf(runId),
    taskQueue: deployment.taskQueue,
    args: [input],
    workflowIdReusePolicy: 'REJECT_DUPLICATE',
    workflowIdConflictPolicy: 'FAIL',
    memo: {
      [INPUT_MEMO]: input,
      ...(startedBy !== undefined && { [STARTED_BY_MEMO]: startedBy }),
      ...(retriedBy !== undefined && { [RETRIED_BY_MEMO]: retriedBy }),
      ...(note !== undefined && { [NOTE_MEMO]: note }),
    },
    typedSearchAttributes: new TypedSearchAttributes(attributesOf(request, deployment)),
    staticDetails: detailsOf(request),
    staticSummary: summaryOf(request),
  } as const satisfies WorkflowStartOptions<AverageSpeed>
}

function attributesOf(request: StartRequest, { deployment, secret }: Deployment): SearchAttributePair[] {
  return [
    { key: attributes.rawPath, value: keywordOf(request.input.rawPath) },
    { key: attributes.deployment, value: deployment },
    ...(request.startedBy === undefined
      ? []
      : [{ key: attributes.owner, value: pseudonymOf(request.startedBy, secret) }]),
    { key: attributes.runStep, value: STEPS[0] },
    ...(request.logicalDate === undefined
      ? []
      : [{ key: attributes.logicalDate, value: request.logicalDate }]),
  ]
}

/** Who wants which batch, in a line of code that cannot become anything else. */
function summaryOf({ input: { rawPath }, startedBy, retriedBy }: StartRequest): string {
  const batchName = rawPath.split('/').at(-2) ?? rawPath
  const first = startedBy === undefined ? '' : `, asked for by ${startedBy}`
  const again = retriedBy === undefined ? '' : `, retried by ${retriedBy}`
  return code(`${batchName}${first}${again}`, SUMMARY_BYTES)
}

/** What was asked for, as Markdown. */
function detailsOf({ runId, input, startedBy, retriedBy, note }: StartRequest): string {
  const fields = {
    run_id: runId,
    asked_for_by: startedBy,
    retried_by: retriedBy,
    ...inputToJson(input),
    note,
  }
  return Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `- ${name}: ${code(String(value), DETAIL_BYTES)}`)
    .join('\n')
}
