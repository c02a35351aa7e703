/** How a batch's rows get into the table, once: the part of the story around the load. */

import { CancellationScope, CancelledFailure } from '@temporalio/workflow'
import {
  awaitLoad,
  claimTable,
  claimTableIfFree,
  findLoad,
  loadTable,
  recordEmptyBatch,
  releaseTable,
} from './activity-options.ts'
import type { Cleanup, Undo } from './cleanup.ts'
import type { Progress } from './progress.ts'
import type { Output } from './result.ts'
import type { Batch, Load, Prepared } from './run-types.ts'
import { calling } from './summaries.ts'

/** What a load needs from the run that it belongs to. */
interface LoadContext extends Pick<Prepared, 'plan'> {
  readonly cleanup: Cleanup
  readonly progress: Progress
}

/**
 * The load of the batch that some run has made, if any; waits for one that is under way. A batch that is known to be empty
 * counts as loaded.
 */
export async function earlierLoad({ plan }: LoadContext, batch: Batch): Promise<Load | undefined> {
  const found = await calling(`Look for an earlier load of ${plan.batchName}`, findLoad, plan, batch)
  if (!found.isUnderWay) return found.load
  return calling(`Wait for the load of ${plan.batchName} that is under way`, awaitLoad, plan, batch)
}

/**
 * Loads what Spark has written. With WRITE_TRUNCATE the table is claimed first. That there are no rows to load is noted
 * instead, so that no later run pays to find it out again.
 * @throws CancelledFailure when the run was asked to cancel before the load
 */
export async function loadOutput(run: LoadContext, output: Output): Promise<Load> {
  const { plan, progress, cleanup } = run
  if (output.rowsWritten === 0) {
    refuseIfCancelled()
    const { attempt } = output
    const empty = await CancellationScope.nonCancellable(() =>
      progress.within('loadTable', () =>
        calling(`Note that ${plan.batchName} holds no rows`, recordEmptyBatch, plan, attempt),
      ),
    )
    progress.skip('loadTable', 'the batch holds no rows')
    return empty
  }
  const release = plan.writeDisposition === 'WRITE_TRUNCATE' ? await takeTable(run) : undefined
  refuseIfCancelled()
  // From here on there is no way back: the load may commit (P10).
  const load = await CancellationScope.nonCancellable(() =>
    progress.step(
      'loadTable',
      () =>
        calling(
          `Load ${output.rowsWritten} rows into ${plan.outputTable}`,
          loadTable,
          plan,
          output.attempt,
          output,
        ),
      ({ rows }) => `${rows} rows in ${plan.outputTable}`,
    ),
  )
  // The load has given the table up by itself.
  if (release !== undefined) cleanup.disarm(release)
  return load
}

/** Claims the table for this run. @returns gives it up */
async function takeTable({ plan, progress, cleanup }: LoadContext): Promise<Undo> {
  const release = cleanup.arm(
    `The claim on ${plan.outputTable} was not released, which the next run will mend`,
    () => calling(`Release ${plan.outputTable}`, releaseTable, plan),
  )
  await progress.within('loadTable', async () => {
    if (await calling(`Claim ${plan.outputTable}`, claimTableIfFree, plan)) return
    await calling(`Wait for ${plan.outputTable}, which another run has`, claimTable, plan)
  })
  return release
}

/** Up to the load a run may be cancelled; after it there is no way back (P10). @throws CancelledFailure */
export function refuseIfCancelled(): void {
  if (CancellationScope.current().consideredCancelled) {
    throw new CancelledFailure('The run was cancelled before the load.')
  }
}
