import { CancellationScope, isCancellation, uuid4, workflowInfo } from '@temporalio/workflow'
import {
  archiveRawFiles,
  claimBatch,
  deleteTemporaryFiles,
  describeRawFiles,
  moveRawFilesToFailed,
  prepareRun,
  releaseBatch,
  sparkJob,
  verifyOutput,
  writeReceipt,
} from './activity-options.ts'
import { type Attempts, firstAttempt, nextAttempt } from './attempts.ts'
import { createCleanup, type Undo } from './cleanup.ts'
import { createClusterQueue } from './cluster-queue.ts'
import {
  type AverageSpeedInput,
  type AverageSpeedResult,
  type ClusterReceipt,
  FAILURES,
  type FailureDetails,
  STARTED_BY_MEMO,
  type StepName,
} from './contract.ts'
import { refuseForeignRun } from './deployment.ts'
import { type ClusterContext, withEphemeralCluster } from './ephemeral-cluster.ts'
import { nameOf, runFailure } from './failures.ts'
import { createProgress } from './progress.ts'
import { type Done, type Ended, type Loaded, type Output, receiptOf, resultOf } from './result.ts'
import type { Attempt, Batch, Prepared } from './run-types.ts'
import { calling } from './summaries.ts'
import { earlierLoad, loadOutput, refuseIfCancelled } from './table-load.ts'
import { countRows, countRun, logFailure } from './telemetry.ts'

/** A run, from its checked input on. */
interface Run extends ClusterContext, Prepared {}

/**
 * One batch of raw trips: described, run through Spark on a cluster of its own, loaded into BigQuery exactly once, and
 * archived. Whatever happens, the cluster goes away, the temporary files vanish, and the first failure is the one
 * reported.
 */
export async function averageSpeed(input: AverageSpeedInput): Promise<AverageSpeedResult> {
  const progress = createProgress()
  const cleanup = createCleanup()
  const receipts: ClusterReceipt[] = []
  let rawFilesAt: string | undefined
  try {
    const prepared = await prepareRun(input)
    refuseForeignRun(prepared.deployment)
    const queue = createClusterQueue(prepared.clusterSlots)
    const run: Run = { ...prepared, progress, cleanup, receipts, queue }
    const { plan } = run
    progress.batch(run.deployment, plan.rawPath)
    progress.tell({ cloud: run.cloud, rawPath: plan.rawPath, outputTable: plan.outputTable })
    const batch = await describeBatch(run)
    rawFilesAt = plan.rawPath
    let done: Done
    try {
      done = await processBatch(run, batch)
    } catch (error) {
      const { type, message } = nameOf(error, progress.stepOf(error))
      if (FAILURES[type] === 'data') {
        const reason = { type, message, workflowId: workflowInfo().workflowId }
        cleanup.arm(`The raw files are not all in ${plan.failedPath}`, () =>
          calling(`Move ${batch.files} files to ${plan.failedPath}`, moveRawFilesToFailed, plan, reason),
        )
        rawFilesAt = plan.failedPath
      }
      throw error
    }
    return await conclude(run, done)
  } catch (error) {
    await cleanUp({ progress, cleanup, receipts })
    const details: FailureDetails = {
      step: progress.stepOf(error),
      ...(rawFilesAt !== undefined && { rawFilesAt }),
      clusters: receipts,
      notCleaned: cleanup.notCleaned,
    }
    progress.tell({ failure: { ...endingOf(error, details.step), ...details } })
    report(error, details)
    throw runFailure(error, details)
  }
}

/** Undoes what is armed, out of the reach of a cancel. `last` comes after all of it, and belongs to the step. */
async function cleanUp<T>(
  { progress, cleanup, receipts }: Pick<Run, 'progress' | 'cleanup' | 'receipts'>,
  last?: () => Promise<T>,
): Promise<T | undefined> {
  const outcome = await CancellationScope.nonCancellable(() =>
    progress.step('cleanUp', async () => {
      await cleanup.run()
      return last?.()
    }),
  )
  progress.note({ clusters: receipts, notCleaned: cleanup.notCleaned })
  progress.publish()
  return outcome
}

/** Cleans up after a batch that has gone all its way, and leaves the receipt beside it. */
async function conclude(run: Run, done: Done): Promise<AverageSpeedResult> {
  const { receipts, cleanup, progress } = run
  const { workflowId, memo, startTime } = workflowInfo()
  const scope = CancellationScope.current()
  const startedBy = memo?.[STARTED_BY_MEMO]
  const ended = (): Ended => ({
    clusters: receipts,
    notCleaned: cleanup.notCleaned,
    cancelledTooLate: scope.consideredCancelled,
    queuedSeconds: progress.secondsIn('queued'),
    ...(typeof startedBy === 'string' && { startedBy }),
    startedAt: startTime,
  })
  let receiptUri: string | undefined
  await cleanUp(run, () =>
    // Armed last, once all else is done, so that the receipt tells of it. A run without one is still a good run.
    cleanup.arm('The receipt was not written', async () => {
      const receipt = receiptOf(resultOf(run, done, ended()), workflowId, new Date())
      receiptUri = await calling(`Write the receipt of ${receipt.runId}`, writeReceipt, run.plan, receipt)
      progress.tell({ receiptUri })
    })(),
  )
  if (!done.loadedBefore) {
    countRows('loaded', done.load.rows)
    countRows('rejected', done.output?.rowsRejected ?? 0)
  }
  countRun({ state: 'completed' })
  return { ...resultOf(run, done, ended()), ...(receiptUri !== undefined && { receiptUri }) }
}

/** How a run that did not succeed ended, for people. */
function endingOf(error: unknown, step: StepName): { readonly type: string; readonly message: string } {
  return isCancellation(error)
    ? { type: 'Cancelled', message: 'The run was cancelled.' }
    : nameOf(error, step)
}

/** Counts a run that did not succeed, and logs it if it failed. */
function report(error: unknown, details: FailureDetails): void {
  if (isCancellation(error)) {
    countRun({ state: 'cancelled' })
    return
  }
  const { type, message } = nameOf(error, details.step)
  countRun({ state: 'failed', type })
  logFailure(type, message, details)
}

async function describeBatch(run: Run): Promise<Batch> {
  const { plan, progress, cleanup } = run
  cleanup.arm(
    `The claim on ${plan.rawPath} was not released, which the next run of the batch will mend`,
    () => calling(`Release ${plan.batchName}`, releaseBatch, plan),
  )
  await progress.step('claimBatch', () => calling(`Claim ${plan.batchName}`, claimBatch, plan))
  return describe(run)
}

function describe({ plan, progress }: Run): Promise<Batch> {
  return progress.step(
    'describeRawFiles',
    () => calling(`Describe the files in ${plan.rawPath}`, describeRawFiles, plan),
    (batch) => `${batch.files} files, ${batch.bytes} bytes`,
  )
}

async function processBatch(run: Run, described: Batch): Promise<Done> {
  const { plan, progress } = run
  const loaded = await loadBatch(run, described)
  const { jobId, rows, outputTable } = loaded.load
  if (jobId !== undefined) {
    progress.note({ loadJobId: jobId })
    progress.rowsLoaded(rows)
  }
  progress.tell({ rowsLoaded: rows, outputTable, loadedBefore: loaded.loadedBefore })
  // The load has committed, so the files must follow it (P10).
  const archive = await CancellationScope.nonCancellable(() =>
    progress.step(
      'archiveRawFiles',
      () => calling(`Archive ${loaded.batch.files} files`, archiveRawFiles, plan),
      ({ files, bytes, processedPath }) => `${files} files, ${bytes} bytes in ${processedPath}`,
    ),
  )
  progress.tell({ processedPath: archive.processedPath })
  return { ...loaded, archive }
}

/**
 * Attempt after attempt, until the batch is in the table. What history says of the batch is a hint: after a reset its
 * files may have been moved, its output deleted, its load done. So each attempt looks again (P13).
 */
async function loadBatch(run: Run, described: Batch): Promise<Loaded> {
  const { progress } = run
  let batch = described
  let attempts: Attempts | undefined
  for (;;) {
    const earlier = await progress.within('loadTable', () => earlierLoad(run, batch))
    refuseIfCancelled()
    if (earlier !== undefined) return { batch, load: earlier, loadedBefore: true }
    attempts ??= firstAttempt(run, uuid4())
    try {
      const output = await produceOutput(run, batch, attempts.current)
      const load = await loadOutput(run, output)
      // Started here, awaited by the cleanup: the archive does not wait for it.
      void deletionOfOutput(run, output.attempt)()
      return { batch, output, load, loadedBefore: false }
    } catch (error) {
      attempts = nextAttempt(attempts, nameOf(error, progress.stepOf(error)).type, run, uuid4)
      if (attempts === undefined) throw error
      refuseIfCancelled()
      batch = await describe(run)
    }
  }
}

/** The compensation that deletes what an attempt has written to its temporary path; armed, if it was not. */
function deletionOfOutput({ cleanup, plan }: Run, attempt: Attempt): Undo {
  return cleanup.arm(`Temporary files may remain under ${attempt.outputPath}`, () =>
    calling(`Delete ${attempt.outputPath}`, deleteTemporaryFiles, plan, attempt),
  )
}

async function produceOutput(run: Run, batch: Batch, attempt: Attempt): Promise<Output> {
  const { plan, progress, deadlines } = run
  progress.note({ attempt: attempt.number, clusterName: attempt.clusterName, sparkJobId: attempt.sparkJobId })
  deletionOfOutput(run, attempt)
  await withEphemeralCluster(run, attempt, (cluster) =>
    progress.step('runSparkJob', async () => {
      const { runSparkJob } = sparkJob(deadlines)
      const line = `Run ${attempt.sparkJobId} on ${batch.files} files, ${batch.bytes} bytes`
      progress.tell({ driverOutput: await calling(line, runSparkJob, plan, batch, attempt, cluster) })
    }),
  )
  const summary = await progress.within('runSparkJob', () =>
    calling(`Check the output in ${attempt.outputPath}`, verifyOutput, plan, batch, attempt),
  )
  progress.tell({
    ...summary,
    ...(summary.rowsRejected > 0 && { rejectedPath: attempt.rejectedPath }),
  })
  return { ...summary, attempt }
}
