import type { StandInClock } from '../control/clock.ts'
import { faultSubject } from './cluster-faults.ts'
import { type ClusterRecord, clusterPath } from './cluster-record.ts'
import { failureDetails } from './job-details.ts'
import type { JobFaults } from './job-faults.ts'
import { enterJobState, isOver, type JobRecord, jobState } from './job-record.ts'
import type { JobOutcome, JobRunner } from './job-runner.ts'
import type { JobTable } from './job-table.ts'
import type { Settings } from './settings.ts'

/** What a job's life needs around it. */
export interface JobLifecycleParts {
  readonly clock: StandInClock
  readonly settings: Settings
  readonly faults: JobFaults
  readonly jobs: JobTable
  readonly runners: Readonly<Record<Settings['jobMode'], JobRunner>>
  /** Called when the last job of a cluster has ended. */
  readonly onIdle: (cluster: ClusterRecord) => void
}

type End = { readonly state: 'DONE' | 'CANCELLED' } | { readonly state: 'ERROR'; readonly details: string }

const HOUR = 3_600_000

/** Moves jobs through their states on the stand-in's clock. */
export class JobLifecycle {
  readonly #parts: JobLifecycleParts
  /** Ends that were decided while the driver was still alive; they win over how it then exits. */
  readonly #decided = new Map<JobRecord, End>()

  constructor(parts: JobLifecycleParts) {
    this.#parts = parts
  }

  /** PENDING, SETUP_DONE, RUNNING, and then as the driver ends. */
  start(job: JobRecord): void {
    const { clock, settings } = this.#parts
    enterJobState(job, 'PENDING', clock.now())
    const step = settings.jobStartMs / 2
    job.timer = clock.after(step, () => {
      enterJobState(job, 'SETUP_DONE', clock.now())
      job.timer = clock.after(step, () => this.#run(job))
    })
  }

  /** CANCEL_PENDING, CANCEL_STARTED, then CANCELLED once the driver is gone. */
  cancel(job: JobRecord): void {
    const { clock, settings } = this.#parts
    job.timer?.()
    enterJobState(job, 'CANCEL_PENDING', clock.now())
    job.timer = clock.after(settings.cancelMs, () => {
      enterJobState(job, 'CANCEL_STARTED', clock.now())
      this.#end(job, { state: 'CANCELLED' })
    })
  }

  /** Ends a job in ERROR with details in Dataproc's shape; does nothing when it is over. */
  fail(job: JobRecord, message: string): void {
    this.#end(job, { state: 'ERROR', details: detailsOf(job, message) })
  }

  /** Ends what runs on a cluster that is going away: jobs on a deleted cluster fail. */
  clusterLost(cluster: ClusterRecord, forget: boolean): void {
    const { jobs } = this.#parts
    for (const job of jobs.onCluster(cluster)) {
      const details = `Job failed because cluster ${clusterPath(cluster)} was deleted or is no longer usable.`
      this.#end(job, { state: 'ERROR', details })
      if (forget) jobs.remove(job)
    }
  }

  /** Takes a job away as if it had never been. */
  vanish(job: JobRecord): void {
    this.#end(job, { state: 'ERROR', details: 'Task not found' })
    this.#parts.jobs.remove(job)
  }

  /** Kills every driver and waits until all are gone. */
  async close(): Promise<void> {
    const running = this.#parts.jobs.history().flatMap(({ run }) => run ?? [])
    for (const run of running) run.kill()
    await Promise.all(running.map(({ outcome }) => outcome))
    for (const { output } of this.#parts.jobs.history()) output.discard()
  }

  #run(job: JobRecord): void {
    const { clock, settings, runners, faults } = this.#parts
    enterJobState(job, 'RUNNING', clock.now())
    const subject = faultSubject(job.cluster)
    const isSpark = settings.sparkFor !== '' && subject.includes(settings.sparkFor)
    const run = runners[isSpark ? 'spark' : settings.jobMode]({
      job: job.resource,
      cluster: job.cluster,
      write: (chunk) => job.output.append(chunk),
    })
    job.run = run
    const fault = faults.take(`${job.id} ${subject}`)
    if (fault !== undefined) {
      job.timer = clock.after(fault.afterMs ?? 0, () => {
        if (fault.kind === 'lost') this.vanish(job)
        else this.fail(job, fault.message ?? '')
      })
    }
    // The outcome never rejects, and `#exited` catches what it does itself.
    void run.outcome.then((outcome) => this.#exited(job, outcome))
  }

  /** Decides how a job ends and ends its driver; the state follows when the driver is gone. */
  #end(job: JobRecord, end: End): void {
    if (isOver(job) || this.#decided.has(job)) return
    job.timer?.()
    this.#decided.set(job, end)
    if (job.run) job.run.kill()
    else this.#settle(job, end)
  }

  async #exited(job: JobRecord, outcome: JobOutcome): Promise<void> {
    job.timer?.()
    delete job.run
    const decided = this.#decided.get(job)
    if (decided === undefined && !outcome.succeeded && this.#mayRestart(job)) {
      this.#restart(job, detailsOf(job, outcome.message))
      return
    }
    // Whoever reads that the job is over must find its output.
    await job.output.close()
    const end: End = outcome.succeeded
      ? { state: 'DONE' }
      : { state: 'ERROR', details: detailsOf(job, outcome.message) }
    this.#settle(job, this.#decided.get(job) ?? end)
  }

  #settle(job: JobRecord, end: End): void {
    const { clock, jobs, onIdle } = this.#parts
    if (isOver(job)) return
    this.#decided.delete(job)
    job.endedAt = clock.now()
    enterJobState(job, end.state, job.endedAt, end.state === 'ERROR' ? end.details : '')
    job.output.close().catch(() => {})
    for (const notify of job.onEnd) notify()
    if (!jobs.onCluster(job.cluster).some((other) => !isOver(other))) onIdle(job.cluster)
  }

  /** Whether the limits in `JobScheduling` leave another attempt. */
  #mayRestart(job: JobRecord): boolean {
    const now = this.#parts.clock.now()
    job.failures.push(now)
    const perHour = job.resource.scheduling?.maxFailuresPerHour ?? 0
    const total = job.resource.scheduling?.maxFailuresTotal || Number.POSITIVE_INFINITY
    const recent = job.failures.filter((at) => at > now - HOUR).length
    return jobState(job) === 'RUNNING' && recent <= perHour && job.failures.length <= total
  }

  #restart(job: JobRecord, details: string): void {
    const { clock, settings } = this.#parts
    enterJobState(job, 'ATTEMPT_FAILURE', clock.now(), details)
    job.timer = clock.after(settings.jobStartMs, () => this.#run(job))
  }
}

function detailsOf(job: JobRecord, message: string): string {
  return failureDetails({ ...job, outputUri: job.resource.driverOutputResourceUri ?? '' }, message)
}
