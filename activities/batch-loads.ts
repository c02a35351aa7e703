import type { BigQuery } from '@google-cloud/bigquery'
import type { Storage } from '@google-cloud/storage'
import type { RunPlan } from '../workflows/plan.ts'
import type { Batch } from '../workflows/run-types.ts'
import { type Label, labelsOf, noteNames, noteUri } from './batch-notes.ts'
import type { ActivitySettings } from './context.ts'
import { failure, isPassing, statusOf } from './failures.ts'
import { differingChoice, type KnownLoad, loadedBy, noRows } from './known-load.ts'
import { createLoadJobs, type LoadSearch, loadIdOf } from './load-jobs.ts'
import { type LoadNote, loadIn, readLoadNote } from './load-notes.ts'
import type { Note } from './storage/notes.ts'
import type { OwnBatch } from './storage/own-folder.ts'

// https://cloud.google.com/bigquery/docs/managing-jobs: six months of history
const JOBS_KEPT_MS = 180 * 24 * 60 * 60_000

/** What is known of a batch's loads. */
export interface FoundLoads {
  /** The load that stands for the run: what the run would load is in a table, or is known to be nothing. */
  readonly load?: KnownLoad
  /** True while a load is under way, which may stand for the run yet. */
  readonly isUnderWay: boolean
  /** True when nothing is to be loaded: there is a load, one is under way, or the archive shows that there was one. */
  readonly isPastLoad: boolean
  /**
   * The batch as it was described for that load: as this run describes it or, for a run without a label, as a reload has
   * done. Without a load it is as this run describes it.
   */
  readonly batch: OwnBatch
  /** What is noted of that description's load. */
  readonly note: Note<LoadNote> | undefined
}

/** The loads of batches: which there are, by the notes beside a batch and by BigQuery. */
export interface BatchLoads {
  /**
   * Looks for the load that stands for a run; waits for nothing.
   * @param described the run's batch, by which a load is found whose note was deleted
   * @throws LoadUnknown, PermissionDenied
   */
  find(batch: OwnBatch, described?: Batch): Promise<FoundLoads>
  /** The same, but waits for a load that is under way. */
  settle(batch: OwnBatch, described?: Batch): Promise<FoundLoads>
}

type Look = (loadId: string, table: string) => Promise<LoadSearch>
type Outcome = Pick<FoundLoads, 'load' | 'isUnderWay'>

/** Loads by the notes in `storage` and the jobs in `bigquery`. */
export function createBatchLoads(
  { storage, bigquery }: { readonly storage: Storage; readonly bigquery: BigQuery },
  settings: ActivitySettings,
): BatchLoads {
  const jobs = createLoadJobs(bigquery, settings)
  return {
    find: (batch, described) => search(jobs.lookFor, batch, described),
    settle: (batch, described) => search(jobs.awaitLast, batch, described),
  }

  /** Whoever asks for no reload asks for the batch, and each reload has loaded that. */
  async function search(look: Look, own: OwnBatch, described?: Batch): Promise<FoundLoads> {
    const { plan, folders } = own
    const mine = await loadsOf(look, own, described)
    if (mine.isUnderWay || (mine.load !== undefined && !differingChoice(plan, mine.load))) return mine
    const names = await noteNames(storage, folders.notes)
    const counts = (label: Label): boolean => plan.reload === undefined || label === plan.reload
    const found = [mine]
    for (const reload of labelsOf('load', names).filter((one) => counts(one) && one !== plan.reload)) {
      const other = await loadsOf(look, folders.as({ ...plan.input, reload }))
      if (other.isUnderWay) return { ...mine, isUnderWay: true, isPastLoad: true }
      found.push(other)
    }
    const loaded = found.filter(({ load }) => load !== undefined).toSorted((a, b) => timeOf(b) - timeOf(a))
    const standing = loaded.find(({ load }) => load && !differingChoice(plan, load)) ?? loaded[0]
    // Files are archived only once they are loaded, so the note of the load has been lost.
    return standing ?? { ...mine, isPastLoad: labelsOf('archive', names).some(counts) }
  }

  /** The load of one description of the batch. */
  async function loadsOf(look: Look, batch: OwnBatch, described?: Batch): Promise<FoundLoads> {
    const { plan, folders } = batch
    const note = await readLoadNote(storage, folders.notes, plan.reload)
    const { load, isUnderWay } = await outcomeOf(look, batch, note?.value, described)
    const isPastLoad = isUnderWay || load !== undefined
    return { ...(load && { load }), isUnderWay, isPastLoad, batch, note }
  }

  async function outcomeOf(
    look: Look,
    batch: OwnBatch,
    note: LoadNote | undefined,
    described: Batch | undefined,
  ): Promise<Outcome> {
    if (note?.state === 'empty') return { load: noRows(batch.plan), isUnderWay: false }
    if (note?.state === 'loaded') return { load: loadIn(note), isUnderWay: false }
    const loadId = note?.loadId ?? (described && loadIdOf(batch.plan, described))
    if (loadId === undefined) return { isUnderWay: false }
    const { job, isUnderWay } = await looking(
      look,
      batch,
      loadId,
      note?.outputTable ?? batch.plan.outputTable,
    )
    if (job !== undefined) return { load: loadedBy(job), isUnderWay: false }
    if (!isUnderWay && note !== undefined) refuseForgotten(batch, loadId, note.at)
    return { isUnderWay }
  }
}

/** Newest loads first; one without a note was found by its id alone. */
function timeOf({ note }: FoundLoads): number {
  return note === undefined ? 0 : Date.parse(note.value.at)
}

/** Asks BigQuery. A load of another account cannot be read, which must not pass for none. */
async function looking(look: Look, { plan }: OwnBatch, loadId: string, table: string): Promise<LoadSearch> {
  try {
    return await look(loadId, table)
  } catch (error) {
    if (statusOf(error) !== 403 || isPassing(error)) throw error
    throw failure(
      'PermissionDenied',
      `A load of ${plan.rawPath} was asked for by another account (job ${loadId}_…), and this one may not read what came of it: it lacks bigquery.jobs.get on the project. Nothing was loaded.`,
    )
  }
}

function refuseForgotten({ plan, folders }: OwnBatch, loadId: string, at: string): void {
  if (Date.now() - Date.parse(at) < JOBS_KEPT_MS) return
  throw failure(
    'LoadUnknown',
    `A load of ${plan.rawPath} was asked for on ${at} (job ${loadId}_…), and BigQuery, which keeps jobs for six months, does not say any more what came of it. Nothing was loaded. If its table does not hold the batch, delete ${noteUri(folders.notes, 'load', plan.reload)} and retry the run. If it does, start a run with "reload" set to a label of your choice, which replaces the rows.`,
  )
}

/** The failure for a batch whose archive shows that it was loaded, while nothing says what it was loaded with. */
export function loadForgotten({ rawPath, notesPath }: RunPlan): Error {
  return failure(
    'LoadUnknown',
    `${rawPath} has been archived, so it was loaded, but the note of its load below ${notesPath} is gone. Nothing was loaded. Restore the note or, to load the batch once more, start a run with "reload" set to a label of your choice.`,
  )
}
