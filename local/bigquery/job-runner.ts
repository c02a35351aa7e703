import { setTimeout as sleep } from 'node:timers/promises'
import { BigQueryError, type ErrorProto, errorProto } from './errors.ts'
import type { Job, JobRef, JobStore, JobType, QueryResult } from './jobs.ts'
import type { ConfigurationBody } from './requests.ts'
import type { JobFaults, Settings } from './settings.ts'

/** What a job leaves behind when it succeeds. */
export interface JobOutcome {
  readonly statistics: Readonly<Record<string, unknown>>
  readonly warnings?: readonly ErrorProto[]
  readonly result?: QueryResult
  readonly affectedRows?: number
}

/** The work of a job. @param assertNotCancelled to be asked before anything is committed */
export type JobWork = (assertNotCancelled: () => void) => Promise<JobOutcome>

/** Takes jobs through PENDING, RUNNING and DONE. */
export class JobRunner {
  readonly #store: JobStore
  readonly #settings: Settings
  readonly #faults: JobFaults
  readonly #running = new Map<Job, Promise<void>>()

  constructor(store: JobStore, settings: Settings, faults: JobFaults) {
    this.#store = store
    this.#settings = settings
    this.#faults = faults
  }

  /** Registers a job and starts it. @throws BigQueryError `duplicate` */
  start(ref: JobRef, type: JobType, configuration: ConfigurationBody, work: JobWork): Job {
    const { promise, resolve } = Promise.withResolvers<void>()
    const job: Job = {
      ref,
      type,
      configuration,
      createdMs: Date.now(),
      state: 'PENDING',
      statistics: {},
      cancelRequested: false,
      ended: promise,
    }
    this.#store.add(job)
    const run = this.#run(job, work).then(() => {
      this.#running.delete(job)
      resolve()
    })
    this.#running.set(job, run)
    return job
  }

  /** Registers a job that cannot even begin, such as a query that cannot be read. */
  refuse(ref: JobRef, type: JobType, configuration: ConfigurationBody, error: BigQueryError): Job {
    const now = Date.now()
    const job: Job = {
      ref,
      type,
      configuration,
      createdMs: now,
      startedMs: now,
      endedMs: now,
      state: 'DONE',
      errorResult: errorProto(error),
      errors: error.details,
      statistics: {},
      cancelRequested: false,
      ended: Promise.resolve(),
    }
    this.#store.add(job)
    return job
  }

  /** Asks a job to stop; one that is DONE stays as it is. */
  cancel(job: Job): void {
    job.cancelRequested = true
  }

  /** Cancels the jobs that are under way and waits for their end. */
  async stop(): Promise<void> {
    for (const job of this.#running.keys()) job.cancelRequested = true
    await Promise.all(this.#running.values())
  }

  async #run(job: Job, work: JobWork): Promise<void> {
    // A job is seen PENDING at least once: its insert is answered first.
    await new Promise((resolve) => setImmediate(resolve))
    try {
      await this.#pass(job, 'pendingMs')
      job.state = 'RUNNING'
      job.startedMs = Date.now()
      await this.#pass(job, `${job.type}Ms`)
      const fault = this.#faults.take(job.type, job.configuration)
      if (fault !== undefined) throw jobFault(fault.reason, fault.message)
      const outcome = await work(() => assertNotCancelled(job))
      job.statistics = outcome.statistics
      if (outcome.warnings) job.errors = outcome.warnings
      if (outcome.result) job.result = outcome.result
      if (outcome.affectedRows !== undefined) job.affectedRows = outcome.affectedRows
    } catch (error) {
      const { errorResult, errors } = failure(error)
      job.errorResult = errorResult
      job.errors = errors
      job.startedMs ??= Date.now()
    }
    job.endedMs = Date.now()
    job.state = 'DONE'
  }

  /** Lets simulated time pass, in steps, so that a cancel or a change of the setting ends it early. */
  async #pass(job: Job, setting: 'pendingMs' | `${Job['type']}Ms`): Promise<void> {
    const since = Date.now()
    for (;;) {
      const left = since + this.#settings[setting] - Date.now()
      if (left <= 0) break
      assertNotCancelled(job)
      await sleep(Math.min(left, 20))
    }
    assertNotCancelled(job)
  }
}

function assertNotCancelled({ cancelRequested }: Job): void {
  if (cancelRequested) {
    throw new BigQueryError('stopped', 'Job execution was cancelled: User requested cancellation')
  }
}

/** Reasons on demand may be any, also such as the stand-in never gives by itself. */
function jobFault(reason: string, message = `The job failed on demand: ${reason}.`): Error {
  return Object.assign(new BigQueryError('internalError', message), {
    reason,
    details: [{ reason, message }],
  })
}

function failure(error: unknown): {
  readonly errorResult: ErrorProto
  readonly errors: readonly ErrorProto[]
} {
  if (error instanceof BigQueryError) return { errorResult: errorProto(error), errors: error.details }
  const message = `An internal error occurred and the request could not be completed. ${String(error)}`
  const proto = { reason: 'internalError', message }
  return { errorResult: proto, errors: [proto] }
}
