import { ApplicationFailure, CancelledFailure, TerminatedFailure, TimeoutFailure } from '@temporalio/common'
import { FAILURES, type FailureDetails, type FailureType } from '../../../workflows/contract.ts'
import type { RunFailure } from './run.ts'

/**
 * Reads the failure of a closed run: the first one in the chain of causes that bears a name of the contract, otherwise
 * what Temporal itself did to the run.
 */
export function failureOf(error: unknown): RunFailure {
  const chain = [...causes(error)]
  const failures = chain.filter((link) => link instanceof ApplicationFailure)
  const named = failures.find((failure) => isFailureType(failure.type)) ?? failures[0]
  if (named !== undefined) return fromApplication(named, detailsOf(failures))
  if (chain.some((link) => link instanceof CancelledFailure)) {
    return { type: 'Cancelled', message: 'The run was cancelled.', ...detailsOf(chain) }
  }
  const terminated = chain.find((link) => link instanceof TerminatedFailure)
  if (terminated !== undefined) {
    return { type: 'Terminated', message: `The run was terminated: ${terminated.message}` }
  }
  if (chain.some((link) => link instanceof TimeoutFailure)) {
    return { type: 'TimedOut', message: 'The run took longer than Temporal was told to wait.' }
  }
  return { type: 'Unknown', message: 'The run failed without a named reason. See its Web UI page.' }
}

function fromApplication(failure: ApplicationFailure, details: Partial<FailureDetails>): RunFailure {
  const type = failure.type ?? 'Unknown'
  return {
    type,
    message: failure.message,
    ...(isFailureType(type) && { kind: FAILURES[type] }),
    ...details,
  }
}

function detailsOf(chain: readonly unknown[]): Partial<FailureDetails> {
  for (const link of chain) {
    if (!(link instanceof ApplicationFailure || link instanceof CancelledFailure)) continue
    const [first] = link.details ?? []
    if (typeof first === 'object' && first !== null && 'step' in first) return first as FailureDetails
  }
  return {}
}

function isFailureType(type: unknown): type is FailureType {
  return typeof type === 'string' && Object.hasOwn(FAILURES, type)
}

function* causes(error: unknown): Generator<unknown> {
  for (let link = error; link instanceof Error; link = link.cause) yield link
}
