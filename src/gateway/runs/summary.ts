import type { WorkflowExecutionInfo } from '@temporalio/client'
import { type AverageSpeedInput, INPUT_MEMO, runIdOf, STARTED_BY_MEMO } from '../../../workflows/contract.ts'
import { attributes } from './attributes.ts'
import type { RunSummary } from './run.ts'
import { statusOf } from './status.ts'

type Info = Pick<
  WorkflowExecutionInfo,
  'workflowId' | 'runId' | 'status' | 'startTime' | 'closeTime' | 'memo' | 'typedSearchAttributes'
>

/** What Temporal tells of an execution, by describe or by list, as a run. */
export function summaryOf(info: Info): RunSummary {
  const startedBy = info.memo?.[STARTED_BY_MEMO]
  const rawPath = inputInMemo(info)?.rawPath ?? info.typedSearchAttributes.get(attributes.rawPath)
  const step = info.typedSearchAttributes.get(attributes.runStep)
  return {
    runId: runIdOf(info.workflowId),
    workflowId: info.workflowId,
    executionId: info.runId,
    status: statusOf(info.status.name),
    startedAt: info.startTime,
    logicalDate: info.typedSearchAttributes.get(attributes.logicalDate) ?? info.startTime,
    ...(info.closeTime && { endedAt: info.closeTime }),
    ...(typeof startedBy === 'string' && { startedBy }),
    ...(rawPath !== undefined && { rawPath }),
    ...(step !== undefined && { step }),
  }
}

/** The input that the starter noted; absent when the run was started by hand. */
export function inputInMemo(info: Pick<Info, 'memo'>): AverageSpeedInput | undefined {
  return info.memo?.[INPUT_MEMO] as AverageSpeedInput | undefined
}
