import { defaultPayloadConverter, type RawWorkflowExecutionInfo } from '@temporalio/client'
import { statusOfCode } from './status.ts'
import type { ExecutionFacts } from './summary.ts'

type Timestamp = NonNullable<RawWorkflowExecutionInfo['startTime']>
type Payloads = NonNullable<NonNullable<RawWorkflowExecutionInfo['memo']>['fields']>

/** An execution as a page of a list has it; the SDK's own list gives no pages. */
export function factsOfRaw(raw: RawWorkflowExecutionInfo): ExecutionFacts {
  const searchAttributes = decoded(raw.searchAttributes?.indexedFields)
  const { RawPath: rawPath, RunStep, LogicalDate: date } = searchAttributes
  const step = typeof RunStep === 'string' ? RunStep : undefined
  return {
    workflowId: raw.execution?.workflowId ?? '',
    executionId: raw.execution?.runId ?? '',
    status: statusOfCode(Number(raw.status), step),
    startTime: dateOf(raw.startTime) ?? new Date(0),
    closeTime: dateOf(raw.closeTime),
    memo: decoded(raw.memo?.fields),
    rawPath: typeof rawPath === 'string' ? rawPath : undefined,
    step,
    logicalDate: typeof date === 'string' ? new Date(date) : undefined,
  }
}

function decoded(payloads: Payloads | null | undefined): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(payloads ?? {}).map(([name, payload]) => [
      name,
      defaultPayloadConverter.fromPayload(payload),
    ]),
  )
}

function dateOf(timestamp: Timestamp | null | undefined): Date | undefined {
  if (!timestamp) return undefined
  return new Date(Number(timestamp.seconds ?? 0) * 1000 + (timestamp.nanos ?? 0) / 1_000_000)
}
