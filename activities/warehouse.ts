import { ApplicationFailure } from '@temporalio/activity'
import type { RunPlan } from '../workflows/plan.ts'
import type { Attempt, Batch, Load, OutputSummary } from '../workflows/run-types.ts'
import { workflowId } from './batches.ts'
import { createClaims } from './claims.ts'
import type { ActivityClients, ActivitySettings } from './context.ts'
import { attempting, failure } from './failures.ts'
import { createLoadJobs, expectedRowsOf, type LoadJob, loadIdOf, rowsOf } from './load-jobs.ts'
import { pollUntil } from './long-running.ts'
import { readTableState, type TableBatch, tablePath, writeTableState } from './table-ledger.ts'

/** Activities on the output table. */
export function warehouseActivities(clients: ActivityClients, settings: ActivitySettings) {
  const { storage, bigquery } = clients
  const claims = createClaims(storage, clients.isWorkflowOpen)
  const loads = createLoadJobs(bigquery, settings)
  const claimOf = (plan: RunPlan): string => `${tablePath(plan)}claim.json`
  return {
    /**
     * The load that has already put this batch into the table, by whichever run; waits for one that is under way (P7).
     * @throws LoadedRowsDiffer
     */
    async findLoad(plan: RunPlan, batch: Batch): Promise<Load | undefined> {
      return attempting(`look for an earlier load of ${plan.rawPath}`, async () => {
        const { job } = await lastLoad(loadIdOf(plan, batch))
        return job === undefined ? undefined : committed(plan, job)
      })
    },

    /**
     * Claims the table for a load that replaces it, and waits while another run has it. An older batch does not replace a
     * newer one of the same folder unless it is reloaded on purpose.
     * @throws NewerBatchLoaded
     */
    async claimTable(plan: RunPlan): Promise<void> {
      await attempting(`claim the table ${plan.outputTable}`, async () => {
        await pollUntil({
          polling: settings.polling,
          read: async () =>
            (await claims.acquire(claimOf(plan), workflowId())) === undefined ? true : undefined,
        })
        const held = await heldBatch(plan)
        if (held !== undefined && plan.reload === undefined && isNewer(held, plan)) {
          throw failure(
            'NewerBatchLoaded',
            `${plan.outputTable} holds ${held.rawPath}, which is newer than ${plan.rawPath}. To replace it all the same, start a run with "reload" set to a label of your choice.`,
          )
        }
      })
    },

    /** Gives the table up; does nothing when it is not ours. */
    async releaseTable(plan: RunPlan): Promise<void> {
      await attempting(`release the table ${plan.outputTable}`, () =>
        claims.release(claimOf(plan), workflowId()),
      )
    },

    /**
     * Loads an attempt's output, exactly once for the batch (P7), and compares the rows (P9).
     * @throws LoadFailed, SchemaMismatch, LoadedRowsDiffer, PermissionDenied
     */
    async loadTable(plan: RunPlan, batch: Batch, attempt: Attempt, output: OutputSummary): Promise<Load> {
      return attempting(`load ${plan.outputTable}`, async () => {
        const loadId = loadIdOf(plan, batch)
        const replaced = plan.writeDisposition === 'WRITE_TRUNCATE' ? await announce(plan, loadId) : undefined
        const { job: earlier, next } = await lastLoad(loadId)
        if (earlier === undefined) await loads.submit(next, plan, attempt, output.rowsWritten)
        const job = earlier ?? (await loads.awaitEnd(next))
        if (job === undefined)
          throw ApplicationFailure.retryable(`The load job ${next} has vanished.`, 'Unavailable')
        if (job.status?.errorResult) throw loadFailure(plan, job)
        if (plan.writeDisposition === 'WRITE_TRUNCATE') await confirm(plan)
        return { ...committed(plan, job), ...(replaced !== undefined && { replacedBatch: replaced.rawPath }) }
      })
    },
  }

  /** The batch's load job that has succeeded, or the id that the next one gets; waits for one that is under way. */
  async function lastLoad(loadId: string): Promise<{ readonly job?: LoadJob; readonly next: string }> {
    for (let n = 0; ; n++) {
      const id = `${loadId}_${n}`
      const job = await loads.awaitEnd(id)
      if (job === undefined) return { next: id }
      if (!job.status?.errorResult) return { job, next: id }
    }
  }

  /** The batch that the table holds now, even if the run that loaded it died before it could say so. */
  async function heldBatch(plan: RunPlan): Promise<TableBatch | undefined> {
    const state = await readTableState(storage, plan)
    if (state.loading === undefined) return state.holds
    const { job } = await lastLoad(state.loading.loadId)
    return job === undefined ? state.holds : state.loading
  }

  /** Notes which batch is about to replace the table. @returns the one that it replaces */
  async function announce(plan: RunPlan, loadId: string): Promise<TableBatch | undefined> {
    const { generation, loading, holds } = await readTableState(storage, plan)
    const mine: TableBatch = { rawPath: plan.rawPath, batchName: plan.batchName, loadId }
    if (loading?.loadId === loadId) return holds
    const held = await heldBatch(plan)
    await writeTableState(
      storage,
      plan,
      { ...(held !== undefined && { holds: held }), loading: mine },
      generation,
    )
    return held
  }

  async function confirm(plan: RunPlan): Promise<void> {
    const { generation, loading } = await readTableState(storage, plan)
    if (loading !== undefined) await writeTableState(storage, plan, { holds: loading }, generation)
  }

  function committed(plan: RunPlan, job: LoadJob): Load {
    const rows = rowsOf(job)
    const expected = expectedRowsOf(job)
    const jobId = job.jobReference?.jobId ?? ''
    if (rows !== expected) {
      throw failure(
        'LoadedRowsDiffer',
        `Spark wrote ${expected} rows and BigQuery loaded ${rows} into ${plan.outputTable} (load job ${jobId}). The raw files are where they were. Compare the two before anything else.`,
      )
    }
    return { jobId, rows }
  }
}

function isNewer(held: TableBatch, plan: RunPlan): boolean {
  const folderOf = (rawPath: string, name: string): string => rawPath.slice(0, -name.length - 1)
  return (
    held.rawPath !== plan.rawPath &&
    folderOf(held.rawPath, held.batchName) === folderOf(plan.rawPath, plan.batchName) &&
    held.batchName > plan.batchName
  )
}

// https://cloud.google.com/bigquery/docs/error-messages
const TRANSIENT = new Set([
  'backendError',
  'internalError',
  'jobBackendError',
  'jobInternalError',
  'jobRateLimitExceeded',
  'rateLimitExceeded',
  'stopped',
  'timeout',
])

function loadFailure(plan: RunPlan, job: LoadJob): Error {
  const { reason = '', message = 'no reason given' } = job.status?.errorResult ?? {}
  const text = `The load of ${plan.outputTable} failed (load job ${job.jobReference?.jobId}): ${message}`
  if (TRANSIENT.has(reason)) return ApplicationFailure.retryable(text, 'LoadFailed')
  if (reason === 'accessDenied') return failure('PermissionDenied', text)
  if (/schema does not match/i.test(message)) return failure('SchemaMismatch', text)
  return failure('LoadFailed', text)
}
