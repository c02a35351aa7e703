import type { Nameable, RunPlan } from '../workflows/plan.ts'
import type { Load } from '../workflows/run-types.ts'
import { failure } from './failures.ts'
import { dispositionOf, type LoadJob, rowsOf, rowsWrittenOf } from './load-jobs.ts'

/** A batch's load, with what Spark had written before it. */
export interface KnownLoad extends Load {
  readonly rowsWritten: number
}

/** What a load job that has committed has done. */
export function loadedBy(job: LoadJob): KnownLoad {
  const { destinationTable } = job.configuration?.load ?? {}
  const { projectId, datasetId, tableId } = destinationTable ?? {}
  return {
    jobId: job.jobReference?.jobId ?? '',
    rows: rowsOf(job),
    rowsWritten: rowsWrittenOf(job),
    outputTable: `${projectId}.${datasetId}.${tableId}`,
    writeDisposition: dispositionOf(job),
  }
}

/** What stands for the load of a batch without rows, which is as good in one table as in another. */
export function noRows({ outputTable, writeDisposition }: RunPlan): KnownLoad {
  return { rows: 0, rowsWritten: 0, outputTable, writeDisposition }
}

/** The choice, if any, that the run's caller has made and that a load does not follow. */
export function differingChoice(plan: RunPlan, load: Load): Nameable | undefined {
  return plan.named.find((choice) => load[choice] !== plan[choice])
}

/**
 * The load that stands for a run.
 * @throws LoadedOtherwise when the run's caller has named something else; LoadedRowsDiffer
 */
export function standingLoad(plan: RunPlan, { rowsWritten, ...load }: KnownLoad): Load {
  const { jobId, rows, outputTable, writeDisposition } = load
  const choice = differingChoice(plan, load)
  if (choice !== undefined) {
    throw failure(
      'LoadedOtherwise',
      `${plan.rawPath} has been loaded into ${outputTable} with ${writeDisposition} (load job ${jobId}), and this run names ${plan[choice]}. Nothing was loaded. To complete what that load has begun, start a run that names neither table nor disposition; to load the batch once more, start one with "reload" set to a label of your choice.`,
    )
  }
  if (rows !== rowsWritten) {
    throw failure(
      'LoadedRowsDiffer',
      `Spark wrote ${rowsWritten} rows and BigQuery loaded ${rows} into ${outputTable} (load job ${jobId}). The raw files are where they were. Compare the two before anything else.`,
    )
  }
  return load
}
