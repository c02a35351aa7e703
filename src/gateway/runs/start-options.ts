import type { WorkflowStartOptions } from '@temporalio/client'
import { type SearchAttributePair, TypedSearchAttributes } from '@temporalio/common'
import {
  type AverageSpeedInput,
  INPUT_MEMO,
  keywordOf,
  STARTED_BY_MEMO,
  STEPS,
  workflowIdOf,
} from '../../../workflows/contract.ts'
import { inputToJson } from '../json.ts'
import { attributes } from './attributes.ts'
import { NOTE_MEMO } from './summary.ts'

/** A run that may be started: its input is normalised. */
export interface StartRequest {
  readonly runId: string
  readonly input: AverageSpeedInput
  /** E-mail of the caller. */
  readonly startedBy: string
  /** The date that an Airflow client gave the run. */
  readonly logicalDate?: Date
  /** What an Airflow client remarks on it. */
  readonly note?: string
}

type AverageSpeed = (input: AverageSpeedInput) => Promise<unknown>

// Limit of a static summary: https://docs.temporal.io/develop/typescript/observability (200 bytes)
const SUMMARY_BYTES = 200

// Temporal's limit is 20,000 bytes (limit.userMetadataDetailsSize), and no character has more than 4.
const DETAILS_CHARACTERS = 4_000

/**
 * The exact options of a start. A run id is used once, whether its run is open or closed (P1). There is no timeout: the
 * workflow bounds each step, and must never be stopped before its teardown.
 */
export function startOptions(request: StartRequest, taskQueue: string) {
  return {
    workflowId: workflowIdOf(request.runId),
    taskQueue,
    args: [request.input],
    workflowIdReusePolicy: 'REJECT_DUPLICATE',
    workflowIdConflictPolicy: 'FAIL',
    memo: {
      [INPUT_MEMO]: request.input,
      [STARTED_BY_MEMO]: request.startedBy,
      ...(request.note !== undefined && { [NOTE_MEMO]: request.note }),
    },
    typedSearchAttributes: new TypedSearchAttributes(attributesOf(request)),
    staticDetails: detailsOf(request),
    staticSummary: cut(`${batchNameOf(request.input.rawPath)}, asked for by ${request.startedBy}`),
  } as const satisfies WorkflowStartOptions<AverageSpeed>
}

function attributesOf(request: StartRequest): SearchAttributePair[] {
  return [
    { key: attributes.rawPath, value: keywordOf(request.input.rawPath) },
    { key: attributes.startedBy, value: keywordOf(request.startedBy) },
    { key: attributes.runStep, value: STEPS[0] },
    ...(request.logicalDate === undefined
      ? []
      : [{ key: attributes.logicalDate, value: request.logicalDate }]),
  ]
}

function batchNameOf(rawPath: string): string {
  return rawPath.split('/').at(-2) ?? rawPath
}

function cut(text: string): string {
  const bytes = Buffer.from(text)
  // A character that the cut goes through would become U+FFFD.
  return bytes
    .subarray(0, SUMMARY_BYTES)
    .toString()
    .replace(/\ufffd+$/, '')
}

/** What was asked for, as Markdown. A backtick would end the code that a value is shown as. */
function detailsOf({ runId, input, startedBy, note }: StartRequest): string {
  const lines = Object.entries({ run_id: runId, asked_for_by: startedBy, ...inputToJson(input), note })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `- ${name}: \`${String(value).replaceAll('`', "'").replace(/\s+/g, ' ')}\``)
  return lines.join('\n').slice(0, DETAILS_CHARACTERS)
}
