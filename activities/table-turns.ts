import type { Storage } from '@google-cloud/storage'
import type { RunDefaults } from '../workflows/plan.ts'
import type { ConfirmedPlan } from './confirmed-plan.ts'
import { failure, passingFailure } from './failures.ts'
import { dispositionOf, hasLoaded, type LoadJob, type LoadJobs } from './load-jobs.ts'
import { notesFolder, type OwnFolder } from './storage/own-folder.ts'
import {
  type AnnouncedLoad,
  type HeldBatch,
  readTableState,
  type TableBatch,
  writeTableState,
} from './table-ledger.ts'

/**
 * Turns at replacing a table. A load is announced before it is asked for, by the id that its job will have, and only an
 * announced id is asked for. Whoever announces the next one first settles what was announced before: it waits for that job
 * or, if there is none yet, uses its id up. So a load that was announced by a run that is no more, and that its worker asks
 * for late, is refused by BigQuery; and a run that is no more announces nothing, since the note has changed (P7).
 */
export interface TableTurns {
  /** The batch that the table holds now, even if the run that loaded it died before it could say so. */
  heldBatch(plan: ConfirmedPlan): Promise<HeldBatch | undefined>
  /**
   * Says that there is no load under way but that of a run that is done.
   */
  isFree(plan: ConfirmedPlan): Promise<boolean>
  /**
   * Announces the batch's next load. An older batch does not replace a newer one of the same folder unless it is reloaded
   * on purpose.
   * @param prove makes sure that the table is this run's; called between the look at the note and the write that is tied to it
   * @returns the id of the only job that may be asked for
   * @throws NewerBatchLoaded, what `prove` throws
   */
  announce(plan: ConfirmedPlan, loadId: string, prove: () => Promise<void>): Promise<string>
  /** Notes that the load is committed. @returns the raw path of the batch that it has replaced */
  confirm(plan: ConfirmedPlan, loadId: string): Promise<string | undefined>
  /** @throws NewerBatchLoaded */
  refuseIfOlder(plan: ConfirmedPlan): Promise<void>
}

/** The folder of a table's notes. */
export function tableFolder({ outputTable }: ConfirmedPlan, { stateBucket }: RunDefaults): OwnFolder {
  return notesFolder(stateBucket, `tables/${outputTable}`)
}

/** Turns kept among the notes in Cloud Storage and the jobs in BigQuery. */
export function createTableTurns(storage: Storage, loads: LoadJobs, defaults: RunDefaults): TableTurns {
  const folderOf = (plan: ConfirmedPlan): OwnFolder => tableFolder(plan, defaults)

  const hasReplaced = ({ outputTable }: ConfirmedPlan, job: LoadJob | undefined): boolean =>
    job !== undefined && hasLoaded(job, outputTable) && dispositionOf(job) === 'WRITE_TRUNCATE'

  /** Waits for what was announced, or sees to it that it never comes. @returns the batch that the table holds then */
  async function settle(
    plan: ConfirmedPlan,
    loading: AnnouncedLoad,
    holds: HeldBatch | undefined,
  ): Promise<HeldBatch | undefined> {
    let job = await loads.awaitEnd(loading.jobId)
    if (job === undefined) {
      await loads.useUp(loading.jobId)
      job = await loads.awaitEnd(loading.jobId)
    }
    if (job === undefined) throw passingFailure('Unavailable', `The job ${loading.jobId} has vanished.`)
    return hasReplaced(plan, job) ? replacing(loading, holds) : holds
  }

  async function heldBatch(plan: ConfirmedPlan): Promise<HeldBatch | undefined> {
    const { loading, holds } = await readTableState(storage, folderOf(plan))
    if (loading === undefined) return holds
    return hasReplaced(plan, await loads.awaitEnd(loading.jobId)) ? replacing(loading, holds) : holds
  }

  return {
    heldBatch,

    async isFree(plan) {
      const { loading } = await readTableState(storage, folderOf(plan))
      return loading === undefined || !(await loads.isUnderWay(loading.loadId))
    },

    async announce(plan, loadId, prove) {
      for (;;) {
        const { generation, loading, holds } = await readTableState(storage, folderOf(plan))
        await prove()
        const isOurs = loading?.loadId === loadId
        const announced = isOurs ? await loads.awaitEnd(loading.jobId) : undefined
        // It is still to be asked for, or it is the load itself.
        if (isOurs && (announced === undefined || hasLoaded(announced, plan.outputTable)))
          return loading.jobId
        const held = isOurs || loading === undefined ? holds : await settle(plan, loading, holds)
        refuseOlder(plan, held)
        const { next: jobId } = await loads.awaitLast(loadId, plan.outputTable)
        const mine = { rawPath: plan.rawPath, batchName: plan.batchName, loadId, jobId }
        const state = { ...(held !== undefined && { holds: held }), loading: mine }
        if (await writeTableState(storage, folderOf(plan), state, generation)) return jobId
      }
    },

    async confirm(plan, loadId) {
      for (;;) {
        const { generation, loading, holds } = await readTableState(storage, folderOf(plan))
        // Whoever has announced another load since has noted this one.
        if (loading?.loadId !== loadId) return holds?.loadId === loadId ? holds.replaced : undefined
        const state = { holds: replacing(loading, holds) }
        if (await writeTableState(storage, folderOf(plan), state, generation)) return holds?.rawPath
      }
    },

    async refuseIfOlder(plan) {
      refuseOlder(plan, await heldBatch(plan))
    },
  }
}

function replacing({ rawPath, batchName, loadId }: TableBatch, before: HeldBatch | undefined): HeldBatch {
  return { rawPath, batchName, loadId, ...(before !== undefined && { replaced: before.rawPath }) }
}

function refuseOlder(plan: ConfirmedPlan, held: HeldBatch | undefined): void {
  if (held === undefined || plan.reload !== undefined || !isNewer(held, plan)) return
  throw failure(
    'NewerBatchLoaded',
    `${plan.outputTable} holds ${held.rawPath}, which is newer than ${plan.rawPath}. To replace it all the same, start a run with "reload" set to a label of your choice.`,
  )
}

function isNewer(held: TableBatch, plan: ConfirmedPlan): boolean {
  const folderOf = (rawPath: string, name: string): string => rawPath.slice(0, -name.length - 1)
  return (
    held.rawPath !== plan.rawPath &&
    folderOf(held.rawPath, held.batchName) === folderOf(plan.rawPath, plan.batchName) &&
    held.batchName > plan.batchName
  )
}
