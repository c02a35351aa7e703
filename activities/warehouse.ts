import type { RunPlan } from '../workflows/plan.ts'
import type { Attempt, Batch, FoundLoad, Load, OutputSummary } from '../workflows/run-types.ts'
import { createBatchClaim } from './batch-claim.ts'
import { createBatchLoads, type FoundLoads, loadForgotten } from './batch-loads.ts'
import { createClaims } from './claims.ts'
import { type ConfirmedPlan, confirmAttempt, confirmPlan } from './confirmed-plan.ts'
import type { ActivityClients, ActivitySettings } from './context.ts'
import { attempting, failure, passingFailure, refusalFailure } from './failures.ts'
import { readSummary } from './job-summary.ts'
import { type KnownLoad, loadedBy, standingLoad } from './known-load.ts'
import { createLoadJobs, hasLoaded, type LoadJob, loadIdOf, readsOutputOf } from './load-jobs.ts'
import { noteAsked, noteLoaded } from './load-notes.ts'
import { heartbeating, pollUntil } from './long-running.ts'
import { readManifest, summarise } from './manifests.ts'
import { verifiedParts } from './output-parts.ts'
import { currentExecution } from './owner.ts'
import { batchFolders, type OwnBatch, type OwnFolder } from './storage/own-folder.ts'
import { createTableTurns, tableFolder } from './table-turns.ts'
import { refuseForeignTable } from './tables.ts'

/** An attempt's output, and the batch that it is of. */
interface Loading {
  readonly plan: ConfirmedPlan
  /** Common beginning of the ids of the batch's load jobs. */
  readonly loadId: string
  readonly attempt: Attempt
  readonly parts: OutputSummary['parts']
  /** What Spark has written. */
  readonly rows: number
  /** Notes beside the batch what it is loaded with, once. */
  beforeAsking(): Promise<void>
}

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
  const folderOf = (plan: ConfirmedPlan): OwnFolder => tableFolder(plan, defaults)
  const turns = createTableTurns(storage, loads, defaults)
  return {
    /**
     * Looks for the load that has already put this batch into a table, by whichever run (P7). Waits for nothing. What it
     * refuses, it refuses before a cluster is paid for.
     * @throws LoadedOtherwise, LoadUnknown, LoadedRowsDiffer; TableNotAllowed, SchemaMismatch when there is none, and none may be
     */
    async findLoad(given: RunPlan, batch: Batch): Promise<FoundLoad> {
      return attempting(`look for an earlier load of ${given.rawPath}`, async () => {
        const plan = confirmed(given)
        const { load, isUnderWay, isPastLoad } = await batchLoads.find(batchOf(plan), batch)
        if (!isPastLoad) await loads.refuseUnfit(plan.outputTable)
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
        if (!(await turns.isFree(plan))) return false
        await turns.refuseIfOlder(plan)
        return true
      })
    },

    /**
     * Claims the table for a load that replaces it, and waits while another run has it. An older batch does not replace a
     * newer one of the same folder unless it is reloaded on purpose.
     * @throws NewerBatchLoaded
     */
    async claimTable(given: RunPlan): Promise<void> {
      await attempting(`claim the table ${given.outputTable}`, async () => {
        const plan = confirmed(given)
        await claim(plan)
        await turns.refuseIfOlder(plan)
      })
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
    async loadTable(given: RunPlan, tried: Attempt, output: OutputSummary): Promise<Load> {
      return attempting(`load ${given.outputTable}`, async () => {
        const batch = await batchClaim.hold(given)
        const { plan } = batch
        const attempt = confirmAttempt(plan, tried)
        const described = await heartbeating(() => describedBatch(plan))
        const loadId = loadIdOf(plan, described)
        const found = await batchLoads.settle(batch, described)
        const known = found.load ?? (await load(found, { plan, loadId, attempt, parts: output.parts }))
        await noteLoaded(storage, found.batch, known)
        if (plan.writeDisposition !== 'WRITE_TRUNCATE') return standingLoad(plan, known)
        const hasReplaced = known.writeDisposition === 'WRITE_TRUNCATE'
        const replaced = hasReplaced ? await turns.confirm(plan, loadId) : undefined
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

  async function load(
    found: FoundLoads,
    loading: Omit<Loading, 'beforeAsking' | 'rows'>,
  ): Promise<KnownLoad> {
    const { plan, loadId, attempt } = loading
    // By the job's own account: what comes with a call may be anybody's.
    const { written: rows } = await readSummary(storage, attempt)
    // Before it is waited for; the load looks again.
    await refuseForeignTable(bigquery, plan.outputTable, defaults)
    let noted: Promise<void> | undefined
    const beforeAsking = () => (noted ??= noteAsked(storage, found, loadId))
    const job = await (plan.writeDisposition === 'WRITE_TRUNCATE' ? replace : append)({
      ...loading,
      rows,
      beforeAsking,
    })
    return loadedBy(job)
  }

  /** Appends an attempt's output. The number in the job's id goes up only when a job has ended in an error. */
  async function append(loading: Loading): Promise<LoadJob> {
    const { plan, loadId } = loading
    for (;;) {
      await batchClaim.hold(plan)
      const { job, next } = await loads.awaitLast(loadId, plan.outputTable)
      if (job !== undefined) return job
      const loaded = await loadAs(next, loading)
      if (loaded !== undefined) return loaded
    }
  }

  /** Replaces the table's rows by an attempt's output, when it is this run's turn. */
  async function replace(loading: Loading): Promise<LoadJob> {
    const { plan, loadId } = loading
    for (;;) {
      await batchClaim.hold(plan)
      const jobId = await turns.announce(plan, loadId, () => claim(plan))
      const loaded = await loadAs(jobId, loading)
      if (loaded !== undefined) return loaded
    }
  }

  /**
   * Has one job load an attempt's output, unless a job of that id is there.
   * @returns the job that has loaded the batch; nothing when the id was used up, by another or for an output of another
   * @throws what the job failed by
   */
  async function loadAs(jobId: string, loading: Loading): Promise<LoadJob | undefined> {
    const { plan, attempt, parts, rows, beforeAsking } = loading
    let job = await loads.awaitEnd(jobId)
    if (job === undefined) {
      const uris = await verifiedParts(storage, attempt, parts)
      await beforeAsking()
      await loads.submit(jobId, plan, uris, rows)
      job = await loads.awaitEnd(jobId)
    }
    if (job === undefined) throw passingFailure('Unavailable', `The load job ${jobId} has vanished.`)
    if (hasLoaded(job, plan.outputTable)) return job
    // One that reads another attempt's output was asked for by a run that is no more, and says nothing about ours.
    if (job.status?.errorResult && readsOutputOf(job, attempt)) throw loadFailure(plan, job)
    return undefined
  }

  /** Takes the table's claim; waits while another open run has it. */
  async function claim(plan: ConfirmedPlan): Promise<void> {
    await pollUntil({
      polling: settings.polling,
      urgency: 'load',
      read: async () =>
        (await claims.acquire(folderOf(plan), currentExecution())) === undefined ? true : undefined,
    })
  }
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
  const refusal = refusalFailure(reason, text)
  if (refusal !== undefined) return refusal
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
