import { expect } from '@jest/globals'
import { WorkflowFailedError } from '@temporalio/client'
import { ApplicationFailure } from '@temporalio/common'
import type { AverageSpeedInput, FailureDetails, FailureType } from '../../workflows/contract.ts'
import { GOOD_ROWS, loadsOf, type TestBatch } from './batches.ts'
import { endingOf } from './endings.ts'
import type { Pipeline, Run } from './pipeline.ts'

/** How a run failed. */
export interface Failure {
  readonly type: string | null | undefined
  readonly message: string
  readonly details: FailureDetails
}

/** Waits for a run that must fail by name. */
export async function failureOf(run: Run): Promise<Failure> {
  const error: unknown = await run.result().then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof WorkflowFailedError) || !(error.cause instanceof ApplicationFailure)) {
    throw new Error(`The run did not fail by name: ${String(error)}`)
  }
  const { type, message, details } = error.cause
  return { type, message, details: details?.[0] as FailureDetails }
}

/** Runs a batch that must fail so, with its files in that place, nothing loaded and nothing left behind. */
export async function expectFailure(
  pipeline: Pipeline,
  batch: TestBatch,
  expected: { readonly type: FailureType; readonly says: RegExp; readonly filesIn?: 'raw' | 'failed' },
  input: Partial<AverageSpeedInput> = {},
): Promise<Failure> {
  const run = await pipeline.start({ ...batch.input, ...input })
  const failure = await failureOf(run)
  expect(failure).toMatchObject({ type: expected.type, message: expect.stringMatching(expected.says) })
  const { filesIn = 'raw' } = expected
  const ending = await endingOf(pipeline, run, batch)
  expect(ending).toMatchObject({ rawFilesIn: [filesIn], rawFiles: Object.keys(batch.files).length })
  expect(ending.loads.committed).toBe(0)
  // What is meant to stay: the reason, and the records that could not be read.
  expect(ending.leaks.filter((name) => !/^rejected-|\/_FAILURE\.json$/.test(name))).toEqual([])
  expect(failure.details.notCleaned).toEqual([])
  return failure
}

/** The same batch, with nothing changed but the day, must succeed. */
export async function expectRetryWorks(
  pipeline: Pipeline,
  batch: TestBatch,
  input: Partial<AverageSpeedInput> = {},
): Promise<void> {
  await pipeline.calm()
  const run = await pipeline.start({ ...batch.input, ...input })
  expect(await run.result()).toMatchObject({ rowsLoaded: GOOD_ROWS, notCleaned: [] })
  expect(await loadsOf(pipeline, batch)).toMatchObject({ committed: 1 })
}
