import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { BigQuery, JobMetadata } from '@google-cloud/bigquery'
import { Type } from 'typebox'
import { PIPELINE, type WriteDisposition } from '../workflows/contract.ts'
import type { RunPlan } from '../workflows/plan.ts'
import type { Attempt, Batch } from '../workflows/run-types.ts'
import type { ActivitySettings } from './context.ts'
import { isAlreadyExists, isNotFound, passingFailure } from './failures.ts'
import { STATE_LABEL } from './labels.ts'
import { pollUntil } from './long-running.ts'
import { fitSchema } from './table-fit.ts'
import type { TableField } from './table-schema.ts'
import { refuseForeignTable, tableReference } from './tables.ts'

/** The form of what {@link loadIdOf} makes, in notes. */
export const LoadId = Type.String({ pattern: '^average_speed_[0-9a-f]{40}$' })

/** The form of the ids of a batch's load jobs, in notes. */
export const LoadJobId = Type.String({ pattern: '^average_speed_[0-9a-f]{40}_\\d{1,6}$' })

/** What a load says of its table, which differs for one that is there and one that it makes. */
interface Destination {
  readonly schema: { readonly fields: readonly TableField[] }
  readonly allowJaggedRows?: boolean
  readonly destinationTableProperties?: { readonly labels: Record<string, string> }
}

/** A load job as BigQuery reports it. */
export type LoadJob = JobMetadata

/** What a look at the load jobs whose ids begin alike has shown. */
export interface LoadSearch {
  /** The one that has succeeded. */
  readonly job?: LoadJob
  /** True while one is under way. */
  readonly isUnderWay: boolean
}

/**
 * Common beginning of the ids of a batch's load jobs. It belongs to the batch, not to a run (P7): whoever loads the same
 * files into the same table meets the same job.
 */
export function loadIdOf(plan: RunPlan, batch: Batch): string {
  // How the table is partitioned, clustered or labelled does not belong into it: the rows are the same, so a deployment that
  // changes its mind must meet the load that it has made.
  // For the same reason the disposition does not either, nor anything else that a deployment may change: what the batch was
  // loaded with is noted beside it.
  const parts = [plan.rawPath, batch.digest, plan.outputTable, plan.reload ?? '']
  return `average_speed_${createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 40)}`
}

/** What {@link createLoadJobs} makes. */
export type LoadJobs = ReturnType<typeof createLoadJobs>

/** Reads, submits and awaits load jobs. */
export function createLoadJobs(bigquery: BigQuery, settings: ActivitySettings) {
  const location = settings.bigqueryLocation
  const { table, csv, jobLabels } = settings.load

  /**
   * Looks at the table that a load is for, which tells whose it is, whether there is one, and what its columns are.
   *
   * A load with other labels than its table has is refused, and a table's labels are its owner's: so only a load that makes
   * the table carries any. Should somebody else make the table before this load does, the load fails.
   * https://cloud.google.com/bigquery/docs/reference/rest/v2/Job#DestinationTableProperties
   * @throws TableNotAllowed, SchemaMismatch
   */
  async function destinationOf(outputTable: string): Promise<Destination> {
    const found = await refuseForeignTable(bigquery, outputTable, settings.defaults)
    const { fields: written } = table.schema
    if (found !== undefined) {
      const { fields: present = [] } = found.schema ?? {}
      if (present.length === 0) return { schema: { fields: written } }
      const { fields, allowJaggedRows } = fitSchema(outputTable, written, present)
      return { schema: { fields }, ...(allowJaggedRows && { allowJaggedRows }) }
    }
    const labels = { ...table.labels, [STATE_LABEL]: settings.defaults.stateBucket }
    return { schema: { fields: written }, destinationTableProperties: { labels } }
  }

  async function read(jobId: string): Promise<LoadJob | undefined> {
    try {
      const [metadata] = await bigquery.job(jobId, { location }).getMetadata()
      return metadata as LoadJob
    } catch (error) {
      if (isNotFound(error)) return undefined
      throw error
    }
  }

  /**
   * The load job of a batch that has succeeded, or whether one is under way; waits for nothing.
   * @param table that it must have loaded; nothing for any
   */
  async function lookFor(loadId: string, table?: string): Promise<LoadSearch> {
    for (let n = 0; ; n++) {
      const job = await read(`${loadId}_${n}`)
      if (job === undefined) return { isUnderWay: false }
      if (job.status?.state !== 'DONE') return { isUnderWay: true }
      if (table === undefined ? !job.status.errorResult : hasLoaded(job, table))
        return { job, isUnderWay: false }
    }
  }

  /** Waits until a job has ended; nothing if there is no such job. */
  async function awaitEnd(jobId: string): Promise<LoadJob | undefined> {
    if ((await read(jobId)) === undefined) return undefined
    return pollUntil({
      polling: settings.polling,
      urgency: 'load',
      read: async () => {
        const job = await read(jobId)
        if (job === undefined) throw passingFailure('Unavailable', `The load job ${jobId} has vanished.`)
        return job.status?.state === 'DONE' ? job : undefined
      },
    })
  }

  return {
    /** True while any of the load jobs whose ids begin so has not ended. */
    async isUnderWay(loadId: string): Promise<boolean> {
      return (await lookFor(loadId)).isUnderWay
    },

    lookFor,

    awaitEnd,

    /**
     * The load job of a batch that has succeeded, or the id that the next one gets; waits for one that is under way.
     * @param table that it must have loaded
     */
    async awaitLast(loadId: string, table: string): Promise<LoadSearch & { readonly next: string }> {
      for (let n = 0; ; n++) {
        const next = `${loadId}_${n}`
        const job = await awaitEnd(next)
        if (job === undefined) return { isUnderWay: false, next }
        if (hasLoaded(job, table)) return { job, isUnderWay: false, next }
      }
    },

    /**
     * Makes sure that a table may be loaded, and that what a run writes fits it. Said before a cluster is paid for.
     * @throws TableNotAllowed, SchemaMismatch
     */
    async refuseUnfit(outputTable: string): Promise<void> {
      await destinationOf(outputTable)
    },

    /**
     * Asks for a load; does nothing when a job of that id exists.
     * @param uris of the files, each of which must be there
     * @throws TableNotAllowed, SchemaMismatch
     */
    async submit(jobId: string, plan: RunPlan, uris: readonly string[], rows: number): Promise<void> {
      const { projectId, datasetId, tableId } = tableReference(plan.outputTable)
      // Now, since the wait for the table may have been long.
      const { schema, ...destination } = await destinationOf(plan.outputTable)
      try {
        await bigquery.createJob({
          jobId,
          location,
          configuration: {
            labels: { ...jobLabels, pipeline: PIPELINE, rows_written: String(rows) },
            load: {
              ...csv,
              sourceUris: [...uris],
              sourceFormat: 'CSV',
              schema: { fields: [...schema.fields] },
              destinationTable: { projectId, datasetId, tableId },
              ...(table.timePartitioning && { timePartitioning: table.timePartitioning }),
              ...(table.clustering && { clustering: { fields: [...table.clustering.fields] } }),
              ...destination,
              createDisposition: 'CREATE_IF_NEEDED',
              writeDisposition: DISPOSITIONS[plan.writeDisposition],
              allowQuotedNewlines: true,
              maxBadRecords: 0,
            },
          },
        })
      } catch (error) {
        // The client also throws when the job was made and has failed at once, which its end tells.
        if (!isAlreadyExists(error) && (await read(jobId)) === undefined) throw error
      }
    },

    /**
     * Uses a job id up, by a query that fails and touches nothing, unless a job has it already: whoever asks for a load of
     * that id later is refused by BigQuery. Should the load have come first, that job stands.
     * https://cloud.google.com/bigquery/docs/reference/standard-sql/debugging_functions#error
     */
    async useUp(jobId: string): Promise<void> {
      try {
        const query = `SELECT ERROR('The load ${jobId} was overtaken: its table went to another batch.')`
        const labels = { ...jobLabels, pipeline: PIPELINE }
        await bigquery.createJob({
          jobId,
          location,
          configuration: { labels, query: { query, useLegacySql: false } },
        })
      } catch (error) {
        if (!isAlreadyExists(error) && (await read(jobId)) === undefined) throw error
      }
    },
  }
}

/**
 * How a load replaces rows and nothing else: WRITE_TRUNCATE would replace the table's schema, with what its owner gave it.
 * https://cloud.google.com/bigquery/docs/reference/rest/v2/Job#JobConfigurationLoad
 */
const DISPOSITIONS: Readonly<Record<WriteDisposition, string>> = {
  WRITE_APPEND: 'WRITE_APPEND',
  WRITE_TRUNCATE: 'WRITE_TRUNCATE_DATA',
}

/** How a load that has succeeded has written, as runs name it. */
export function dispositionOf(job: LoadJob): WriteDisposition {
  const { writeDisposition } = job.configuration?.load ?? {}
  return writeDisposition === DISPOSITIONS.WRITE_TRUNCATE ? 'WRITE_TRUNCATE' : 'WRITE_APPEND'
}

/**
 * True when a job that has ended has loaded a table. Anybody who may run jobs in the project can give one the id that a batch's
 * load would have, but only who may write to the table can load it.
 */
export function hasLoaded(job: LoadJob, table: string): boolean {
  const { destinationTable } = job.configuration?.load ?? {}
  return !job.status?.errorResult && isDeepStrictEqual({ ...destinationTable }, tableReference(table))
}

/** What BigQuery says that a load has written. */
export function rowsOf(job: LoadJob): number {
  return Number(job.statistics?.load?.outputRows ?? 0)
}

/** The rows that Spark had written when the load was asked for. */
export function rowsWrittenOf(job: LoadJob): number {
  return Number(job.configuration?.labels?.['rows_written'] ?? -1)
}

/** True when a job loads this very attempt's output. */
export function readsOutputOf(job: LoadJob, attempt: Attempt): boolean {
  const { sourceUris } = job.configuration?.load ?? {}
  return sourceUris?.every((uri) => uri.startsWith(attempt.outputPath)) ?? false
}
