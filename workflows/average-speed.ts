import { CancellationScope, CancelledFailure, uuid4, workflowInfo } from '@temporalio/workflow'
import {
  archiveRawFiles,
  claimBatch,
  claimTable,
  deleteTemporaryFiles,
  describeRawFiles,
  findLoad,
  loadTable,
  moveRawFilesToFailed,
  prepareRun,
  releaseBatch,
  releaseTable,
  sparkJob,
  verifyOutput,
} from './activity-options.ts'
import { type Attempts, firstAttempt, nextAttempt } from './attempts.ts'
import { createCleanup } from './cleanup.ts'
import { type AverageSpeedInput, type AverageSpeedResult, type ClusterReceipt, FAILURES } from './contract.ts'
import { type ClusterContext, withEphemeralCluster } from './ephemeral-cluster.ts'
import { nameOf, runFailure } from './failures.ts'
import { createProgress } from './progress.ts'
import type { Archive, Attempt, Batch, Load, OutputSummary, Prepared } from './run-types.ts'

/** A run, from its checked input on. */
interface Run extends ClusterContext, Prepared {}

/** What Spark wrote, and where. */
interface Output extends OutputSummary {
  readonly attempt: Attempt
}

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
    const run: Run = { ...(await prepareRun(input)), progress, cleanup, receipts }
    const { plan } = run
    progress.batch(plan.rawPath)
    const batch = await describeBatch(run)
    rawFilesAt = plan.rawPath
    try {
      return await processBatch(run, batch)
    } catch (error) {
      const { type, message } = nameOf(error, progress.stepOf(error))
      if (FAILURES[type] === 'data') {
        const reason = { type, message, workflowId: workflowInfo().workflowId }
        cleanup.arm(`The raw files are not all in ${plan.failedPath}`, () =>
          moveRawFilesToFailed(plan, batch, reason),
        )
        rawFilesAt = plan.failedPath
      }
      throw error
    }
  } catch (error) {
    // The cleanup that follows fills both lists before the failure is sent.
    throw runFailure(error, {
      step: progress.stepOf(error),
      ...(rawFilesAt !== undefined && { rawFilesAt }),
      clusters: receipts,
      notCleaned: cleanup.notCleaned,
    })
  } finally {
    await CancellationScope.nonCancellable(() => progress.step('cleanUp', () => cleanup.run()))
    progress.note({ clusters: receipts, notCleaned: cleanup.notCleaned })
    progress.publish()
  }
}

async function describeBatch({ plan, progress, cleanup }: Run): Promise<Batch> {
  cleanup.arm(
    `The claim on ${plan.rawPath} was not released, which the next run of the batch will mend`,
    () => releaseBatch(plan),
  )
  await progress.step('claimBatch', () => claimBatch(plan))
  return progress.step(
    'describeRawFiles',
    () => describeRawFiles(plan),
    (batch) => `${batch.files} files, ${batch.bytes} bytes`,
  )
}

async function processBatch(run: Run, batch: Batch): Promise<AverageSpeedResult> {
  const { plan, progress } = run
  const earlier = await progress.within('loadTable', () => findLoad(plan, batch))
  const output = earlier === undefined ? await produceOutput(run, batch) : undefined
  if (output !== undefined && output.rowsWritten > 0 && plan.writeDisposition === 'WRITE_TRUNCATE') {
    run.cleanup.arm(`The claim on ${plan.outputTable} was not released, which the next run will mend`, () =>
      releaseTable(plan),
    )
    await progress.within('loadTable', () => claimTable(plan))
  }
  const scope = CancellationScope.current()
  if (scope.consideredCancelled) throw new CancelledFailure('The run was cancelled before the load.')
  // From here on there is no way back: the load may commit, and then the files must follow it (P10).
  return CancellationScope.nonCancellable(async () => {
    const load = earlier ?? (await loadOutput(run, batch, output))
    if (load !== undefined) {
      progress.note({ loadJobId: load.jobId })
      progress.rowsLoaded(load.rows)
    }
    const archive = await progress.step(
      'archiveRawFiles',
      () => archiveRawFiles(plan, batch),
      ({ files, processedPath }) => `${files} files in ${processedPath}`,
    )
    return resultOf(run, { batch, load, output, archive, loadedBefore: earlier !== undefined }, scope)
  })
}

/** Cluster and job, once more if the first cluster or its output is lost, or if a zone is out of stock. */
async function produceOutput(run: Run, batch: Batch): Promise<Output> {
  let attempts: Attempts = firstAttempt(run, uuid4())
  for (;;) {
    try {
      return await produceOutputOnce(run, batch, attempts.current)
    } catch (error) {
      const next = nextAttempt(attempts, nameOf(error, run.progress.stepOf(error)).type, run, uuid4)
      if (next === undefined || CancellationScope.current().consideredCancelled) throw error
      attempts = next
    }
  }
}

async function produceOutputOnce(run: Run, batch: Batch, attempt: Attempt): Promise<Output> {
  const { plan, progress, cleanup, deadlines } = run
  progress.note({ attempt: attempt.number, clusterName: attempt.clusterName, sparkJobId: attempt.sparkJobId })
  cleanup.arm(`Temporary files may remain under ${attempt.outputPath}`, () => deleteTemporaryFiles(attempt))
  await withEphemeralCluster(run, attempt, (cluster) =>
    progress.step('runSparkJob', () => sparkJob(deadlines).runSparkJob(plan, batch, attempt, cluster)),
  )
  const summary = await progress.within('runSparkJob', () => verifyOutput(plan, batch, attempt))
  return { ...summary, attempt }
}

async function loadOutput(run: Run, batch: Batch, output: Output | undefined): Promise<Load | undefined> {
  const { plan, progress } = run
  if (output === undefined || output.rowsWritten === 0) {
    progress.skip('loadTable', 'the batch holds no rows')
    return undefined
  }
  return progress.step(
    'loadTable',
    () => loadTable(plan, batch, output.attempt, output),
    (load) => `${load.rows} rows in ${plan.outputTable}`,
  )
}

function resultOf(
  { plan, receipts, cleanup }: Run,
  done: {
    readonly batch: Batch
    readonly load: Load | undefined
    readonly output: Output | undefined
    readonly archive: Archive
    readonly loadedBefore: boolean
  },
  scope: CancellationScope,
): AverageSpeedResult {
  const { batch, load, output, archive } = done
  const rows = output ?? { rowsRead: load?.rows ?? 0, rowsWritten: load?.rows ?? 0, rowsRejected: 0 }
  return {
    rawPath: plan.rawPath,
    outputTable: plan.outputTable,
    manifestUri: batch.manifestUri,
    files: batch.files,
    bytes: batch.bytes,
    rowsRead: rows.rowsRead,
    rowsWritten: rows.rowsWritten,
    rowsRejected: rows.rowsRejected,
    rowsLoaded: load?.rows ?? 0,
    ...(load && { loadJobId: load.jobId }),
    loadedBefore: done.loadedBefore,
    ...(load?.replacedBatch !== undefined && { replacedBatch: load.replacedBatch }),
    processedPath: archive.processedPath,
    filesArchived: archive.files,
    filesLeftInPlace: archive.filesLeftInPlace,
    ...(output && output.rowsRejected > 0 && { rejectedPath: output.attempt.rejectedPath }),
    // The cleanup that follows fills both lists before the result is sent.
    clusters: receipts,
    notCleaned: cleanup.notCleaned,
    cancelledTooLate: scope.consideredCancelled,
  }
}
