import { status } from '@grpc/grpc-js'
import type { StandInClock } from '../control/clock.ts'
import { StatusError } from './errors.ts'

/** Requests a minute, by quota. */
export interface QuotaLimits {
  getJob: number
  jobOperations: number
  clusterOperations: number
  otherRequests: number
}

/** Google's defaults per project and region: https://cloud.google.com/dataproc/quotas */
export const PUBLISHED_QUOTAS: Readonly<QuotaLimits> = {
  getJob: 7500,
  jobOperations: 400,
  clusterOperations: 200,
  otherRequests: 7500,
}

const METRICS: Readonly<Record<keyof QuotaLimits, string>> = {
  getJob: 'GetJobRequestsPerMinutePerProjectPerRegion',
  jobOperations: 'JobOperationRequestsPerMinutePerProjectPerRegion',
  clusterOperations: 'ClusterOperationRequestsPerMinutePerProjectPerRegion',
  otherRequests: 'DefaultRequestsPerMinutePerProjectPerRegion',
}

const QUOTA_OF_CALL: Readonly<Record<string, keyof QuotaLimits>> = {
  GetJob: 'getJob',
  SubmitJob: 'jobOperations',
  SubmitJobAsOperation: 'jobOperations',
  UpdateJob: 'jobOperations',
  CancelJob: 'jobOperations',
  DeleteJob: 'jobOperations',
  CreateCluster: 'clusterOperations',
  UpdateCluster: 'clusterOperations',
  DeleteCluster: 'clusterOperations',
  DiagnoseCluster: 'clusterOperations',
}

const MINUTE = 60_000

/** Counts requests in windows of one minute of the stand-in's clock; keeps no limit until it is given some. */
export class Quotas {
  readonly #clock: StandInClock
  readonly #used = new Map<string, number>()
  #window = 0
  limits: QuotaLimits | undefined

  constructor(clock: StandInClock) {
    this.#clock = clock
  }

  /**
   * Counts one call.
   * @param scope project and region
   * @throws StatusError RESOURCE_EXHAUSTED when the minute's quota is used up
   */
  use(call: string, scope: string): void {
    if (this.limits === undefined) return
    const window = Math.floor(this.#clock.now() / MINUTE)
    if (window !== this.#window) {
      this.#window = window
      this.#used.clear()
    }
    const quota = QUOTA_OF_CALL[call] ?? 'otherRequests'
    const key = `${quota} ${scope}`
    const used = this.#used.get(key) ?? 0
    if (used >= this.limits[quota]) {
      throw new StatusError(
        status.RESOURCE_EXHAUSTED,
        `Quota exceeded for quota metric '${METRICS[quota]}' of service 'dataproc.googleapis.com' for consumer '${scope}': ${this.limits[quota]} requests a minute.`,
      )
    }
    this.#used.set(key, used + 1)
  }
}
