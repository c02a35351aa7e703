import type { RunPlan } from '../workflows/plan.ts'
import type { Attempt, Batch, FoundLoad, Load } from '../workflows/run-types.ts'
import { createBatchClaim } from './batch-claim.ts'
import { createBatchLoads, type FoundLoads, loadForgotten } from './batch-loads.ts'
import { createClaims } from './claims.ts'
import { type ConfirmedPlan, confirmAttempt, confirmPlan } from './confirmed-plan.ts'
import type { ActivityClients, ActivitySettings } from './context.ts'
import { attempting, failure, passingFailure } from './failures.ts'
import { readSummary } from './job-summary.ts'
import { type KnownLoad, loadedBy, standingLoad } from './known-load.ts'
import { createLoadJobs, hasLoaded, type LoadJob, loadIdOf, readsOutputOf } from './load-jobs.ts'
import { noteAsked, noteLoaded } from './load-notes.ts'
import { heartbeating, pollUntil } from './long-running.ts'
import { readManifest, summarise } from './manifests.ts'
import { currentExecution } from './owner.ts'
import { batchFolders, notesFolder, type OwnBatch, type OwnFolder } from './storage/own-folder.ts'
import { type HeldBatch, readTableState, type TableBatch, writeTableState } from './table-ledger.ts'
import { refuseForeignTable } from './tables.ts'

/** Activities on the output table. */
export function warehouseActivities(clients: ActivityClients, settings: ActivitySettings) {
  const { storage, bigquery } = clients
  const claims = createClaims(clients)
  const batchClaim = createBatchClaim(clients, settings.defaults)
  const loads = createLoadJobs(bigquery, settings)
  const batchLoads = createBatchLoads(clients, settings)
  const { defaults } = settings
  const confirmed = (given: RunPlan): ConfirmedPlan => confirmPlan(given, defaults)
  const batchOf = (plan: ConfirmedPlan): OwnBatch => ({ plan, folders: batchFolders(plan, defaults) })
  const folderOf = ({ outputTable }: ConfirmedPlan): OwnFolder =>
    notesFolder(defaults.stateBucket, `tables/${outputTable}`)
  return {
    /**
     * Looks for the load that has already put this batch into a table, by whichever run (P7). Waits for nothing. What it
     * refuses, it refuses before a cluster is paid for.
     * @throws LoadedOtherwise, LoadUnknown, LoadedRowsDiffer; TableNotAllowed when there is none, and none may be
     */
    async findLoad(given: RunPlan, batch: Batch): Promise<FoundLoad> {
      return attempting(`look for an earlier load of ${given.rawPath}`, async () => {
        const plan = confirmed(given)
        const { load, isUnderWay, isPastLoad } = await batchLoads.find(batchOf(plan), batch)
        if (!isPastLoad) await refuseForeignTable(bigquery, plan.outputTable, defaults)
        if (load === undefined && isPastLoad && !isUnderWay) throw loadForgotten(plan)
        return { isUnderWay, ...(load !== undefined && { load: standingLoad(plan, load) }) }
      })
    },

    /**
     * Waits for a load of this batch that another run has asked for.
     * @returns what it has loaded, or nothing if it has failed
     * @throws LoadedOtherwise, LoadUnknown, LoadedRowsDiffer
     */
    async awaitLoad(given: RunPlan, batch: Batch): Promise<Load | undefined> {
      return attempting(`wait for an earlier load of ${given.rawPath}`, async () => {
        const plan = confirmed(given)
        const { load } = await batchLoads.settle(batchOf(plan), batch)
        return load === undefined ? undefined : standingLoad(plan, load)
      })
    },

    /**
     * Claims the table as {@link claimTable} does, unless that would take a wait.
     * @returns true when the table is this run's
     * @throws NewerBatchLoaded
     */
    async claimTableIfFree(given: RunPlan): Promise<boolean> {
      return attempting(`claim the table ${given.outputTable}`, async () => {
        const plan = confirmed(given)
        if ((await claims.acquire(folderOf(plan), currentExecution())) !== undefined) return false
        const { loading } = await readTableState(storage, folderOf(plan))
        if (loading !== undefined && (await loads.isUnderWay(loading.loadId))) return false
        await refuseIfOlder(plan)
        return true
      })
    },

    /**
     * Claims the table for a load that replaces it, and waits while another run has it. An older batch does not replace a
     * newer one of the same folder unless it is reloaded on purpose.
     * @throws NewerBatchLoaded
     */
    async claimTable(given: RunPlan): Promise<void> {
      await attempting(`claim the table ${given.outputTable}`, () => claim(confirmed(given)))
    },

    /** Gives the table up; does nothing when it is not ours. */
    async releaseTable(given: RunPlan): Promise<void> {
      await attempting(`release the table ${given.outputTable}`, () =>
        heartbeating(() => release(confirmed(given))),
      )
    },

    /**
     * Loads an attempt's output, exactly once for the batch (P7), and compares the rows (P9). Then gives the table up. What
     * the batch is loaded with is noted beside it, before the load and after it.
     * @throws OutputGone, LoadFailed, SchemaMismatch, NotFound, PermissionDenied, NewerBatchLoaded, LoadedRowsDiffer,
     * LoadedOtherwise, LoadUnknown
     */
    async loadTable(given: RunPlan, tried: Attempt): Promise<Load> {
      return attempting(`load ${given.outputTable}`, async () => {
        const batch = await batchClaim.hold(given)
        const { plan } = batch
        const attempt = confirmAttempt(plan, tried)
        const described = await heartbeating(() => describedBatch(plan))
        const loadId = loadIdOf(plan, described)
        const found = await batchLoads.settle(batch, described)
        const known = found.load ?? (await load(found, loadId, attempt))
        await noteLoaded(storage, found.batch, known)
        if (plan.writeDisposition !== 'WRITE_TRUNCATE') return standingLoad(plan, known)
        const hasReplaced = known.writeDisposition === 'WRITE_TRUNCATE'
        const replaced = hasReplaced ? await confirm(plan, loadId) : undefined
        const loaded = standingLoad(plan, known)
        await release(plan)
        return { ...loaded, ...(replaced !== undefined && { replacedBatch: replaced }) }
      })
    },
  }

  function release(plan: ConfirmedPlan): Promise<void> {
    return claims.release(folderOf(plan), currentExecution())
  }

  /** The batch by its manifest: what comes with a call might make another load of it. */
  async function describedBatch(plan: ConfirmedPlan): Promise<Batch> {
    const manifest = await readManifest(storage, plan)
    if (manifest !== undefined) return summarise(manifest, plan)
    throw failure(
      'RawFilesMissing',
      `The manifest ${plan.manifestUri} has been deleted; nothing was loaded. Restore it and retry the run.`,
    )
  }

  async function load(found: FoundLoads, loadId: string, attempt: Attempt): Promise<KnownLoad> {
    const { plan } = found.batch
    // By the job's own account: what comes with a call may be anybody's.
    const { written: rows } = await readSummary(storage, attempt)
    // Before it is waited for; the load looks again.
    await refuseForeignTable(bigquery, plan.outputTable, defaults)
    if (plan.writeDisposition === 'WRITE_TRUNCATE') {
      // The claim is ours already, unless the run was reset to here after it had given the table up.
      await claim(plan)
      await announce(plan, loadId)
    }
    await noteAsked(storage, found, loadId)
    for (;;) {
      const { job: done, next } = await loads.awaitLast(loadId, plan.outputTable)
      if (done !== undefined) return loadedBy(done)
      await loads.submit(next, plan, attempt, rows)
      const job = await loads.awaitEnd(next)
      if (job === undefined) throw passingFailure('Unavailable', `The load job ${next} has vanished.`)
      if (hasLoaded(job, plan.outputTable)) return loadedBy(job)
      // One that reads another attempt's output was asked for by a run that is no more, and says nothing about ours.
      if (job.status?.errorResult && readsOutputOf(job, attempt)) throw loadFailure(plan, job)
    }
  }

  async function claim(plan: ConfirmedPlan): Promise<void> {
    await pollUntil({
      polling: settings.polling,
      urgency: 'load',
      read: async () =>
        (await claims.acquire(folderOf(plan), currentExecution())) === undefined ? true : undefined,
    })
    await refuseIfOlder(plan)
  }

  async function refuseIfOlder(plan: ConfirmedPlan): Promise<void> {
    const held = await heldBatch(plan)
    if (held !== undefined && plan.reload === undefined && isNewer(held, plan)) {
      throw failure(
        'NewerBatchLoaded',
        `${plan.outputTable} holds ${held.rawPath}, which is newer than ${plan.rawPath}. To replace it all the same, start a run with "reload" set to a label of your choice.`,
      )
    }
  }

  /** The batch that the table holds now, even if the run that loaded it died before it could say so. */
  async function heldBatch(plan: ConfirmedPlan): Promise<HeldBatch | undefined> {
    const { loading, holds } = await readTableState(storage, folderOf(plan))
    if (loading === undefined) return holds
    const { job } = await loads.awaitLast(loading.loadId, plan.outputTable)
    // It may have been loaded otherwise since it was announced, with the same id.
    const hasReplaced = job !== undefined && loadedBy(job).writeDisposition === 'WRITE_TRUNCATE'
    return hasReplaced ? replacing(loading, holds) : holds
  }

  /** Notes which batch is about to replace the table. */
  async function announce(plan: ConfirmedPlan, loadId: string): Promise<void> {
    const { generation, loading } = await readTableState(storage, folderOf(plan))
    if (loading?.loadId === loadId) return
    const holds = await heldBatch(plan)
    const mine: TableBatch = { rawPath: plan.rawPath, batchName: plan.batchName, loadId }
    await writeTableState(
      storage,
      folderOf(plan),
      { ...(holds !== undefined && { holds }), loading: mine },
      generation,
    )
  }

  /** Notes that the load is committed. @returns the raw path of the batch that it has replaced */
  async function confirm(plan: ConfirmedPlan, loadId: string): Promise<string | undefined> {
    const { generation, loading, holds } = await readTableState(storage, folderOf(plan))
    if (loading?.loadId === loadId) {
      await writeTableState(storage, folderOf(plan), { holds: replacing(loading, holds) }, generation)
      return holds?.rawPath
    }
    return holds?.loadId === loadId ? holds.replaced : undefined
  }
}

function replacing(batch: TableBatch, before: HeldBatch | undefined): HeldBatch {
  return { ...batch, ...(before !== undefined && { replaced: before.rawPath }) }
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
  'timeout',
])

function loadFailure(plan: RunPlan, job: LoadJob): Error {
  const { reason = '', message = 'no reason given' } = job.status?.errorResult ?? {}
  const text = `The load of ${plan.outputTable} failed (load job ${job.jobReference?.jobId}): ${message}`
  if (TRANSIENT.has(reason)) return passingFailure('LoadFailed', text)
  if (reason === 'accessDenied') return failure('PermissionDenied', text)
  if (reason === 'notFound') return failure('NotFound', text)
  if (/schema does not match/i.test(message)) return failure('SchemaMismatch', text)
  if (/incompatible table partitioning/i.test(message)) {
    return failure(
      'SchemaMismatch',
      `${text} TABLE_PARTITION_FIELD, TABLE_PARTITION_TYPE and TABLE_CLUSTERING_FIELDS make new tables only. Set them as the table is, or unset them, and retry the run.`,
    )
  }
  return failure('LoadFailed', text)
}
