import { BigQueryError, type ErrorProto } from './errors.ts'
import type { Field } from './fields.ts'
import type { TableRef } from './names.ts'
import type { ConfigurationBody } from './requests.ts'

/** https://cloud.google.com/bigquery/docs/reference/rest/v2/JobReference */
export interface JobRef {
  readonly projectId: string
  readonly jobId: string
  readonly location: string
}

/** https://cloud.google.com/bigquery/docs/reference/rest/v2/Job#JobStatus */
export type JobState = 'PENDING' | 'RUNNING' | 'DONE'

/** What kind of work a job does. */
export type JobType = 'extract' | 'load' | 'query'

/** The rows of a query, which lie in a table. */
export interface QueryResult {
  readonly table: TableRef
  readonly fields: readonly Field[]
  readonly rows: number
}

/** A job and what is known of it. */
export interface Job {
  readonly ref: JobRef
  readonly type: JobType
  /** As sent, with the destination of a query filled in. */
  readonly configuration: ConfigurationBody
  readonly createdMs: number
  startedMs?: number
  endedMs?: number
  state: JobState
  errorResult?: ErrorProto
  errors?: readonly ErrorProto[]
  /** By the name that statistics have for the type, such as `load`. */
  statistics: Readonly<Record<string, unknown>>
  cancelRequested: boolean
  result?: QueryResult
  affectedRows?: number
  /** Fulfilled when the job is DONE, well or not. */
  readonly ended: Promise<void>
}

/** `project:location.job`, as ids and errors write it. */
export function jobName({ projectId, location, jobId }: JobRef): string {
  return `${projectId}:${location}.${jobId}`
}

/** What jobs.list may be asked for. */
export interface JobFilter {
  readonly states: readonly string[]
  readonly minCreatedMs: number
  readonly maxCreatedMs: number
}

/** All jobs since the start. Ids are never given free, as in BigQuery. */
export class JobStore {
  readonly #jobs = new Map<string, Job>()

  /** @throws BigQueryError `duplicate` */
  assertFree(ref: JobRef): void {
    if (this.#jobs.has(jobName(ref))) {
      throw new BigQueryError('duplicate', `Already Exists: Job ${jobName(ref)}`)
    }
  }

  add(job: Job): void {
    this.assertFree(job.ref)
    this.#jobs.set(jobName(job.ref), job)
  }

  /** @throws BigQueryError `notFound` when there is no such job in that location, or in any if none is given */
  get(projectId: string, jobId: string, location?: string): Job {
    for (const job of this.#jobs.values()) {
      const { ref } = job
      const isThere = location === undefined || sameLocation(ref.location, location)
      if (ref.projectId === projectId && ref.jobId === jobId && isThere) return job
    }
    const where = location === undefined ? '' : `${location}.`
    throw new BigQueryError('notFound', `Not found: Job ${projectId}:${where}${jobId}`)
  }

  /** A project's jobs, newest first. */
  list(projectId: string, { states, minCreatedMs, maxCreatedMs }: JobFilter): Job[] {
    return [...this.#jobs.values()]
      .filter(
        ({ ref, state, createdMs }) =>
          ref.projectId === projectId &&
          (states.length === 0 || states.includes(state)) &&
          createdMs >= minCreatedMs &&
          createdMs <= maxCreatedMs,
      )
      .reverse()
  }

  remove({ ref }: Job): void {
    this.#jobs.delete(jobName(ref))
  }
}

/** Locations are written in either case. */
export function sameLocation(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase()
}
