import { randomUUID } from 'node:crypto'
import { status } from '@grpc/grpc-js'
import type { ClusterRecord } from './cluster-record.ts'
import type { RpcStatus } from './model.ts'

/** How the next clusters go wrong. */
export interface ClusterFaultSpec {
  /**
   * - `quota`: creation is refused at once.
   * - `stockout`: creation is accepted and ends in ERROR because the zone has no machines left.
   * - `boot-failure`: creation is accepted and ends in ERROR because the machines do not come up.
   * - `stuck`: the cluster stays CREATING.
   * - `delete-failure`: the deletion ends in an error and the cluster in ERROR.
   */
  readonly kind: 'quota' | 'stockout' | 'boot-failure' | 'stuck' | 'delete-failure'
  /** Only clusters in this zone; default: any. */
  readonly zone?: string
  /** Only clusters whose name or labels (as JSON) contain this text. */
  readonly match?: string
  /** Clusters that are struck; default 1. */
  readonly times?: number
  readonly message?: string
}

/** A cluster fault with its id and hits. */
export interface ClusterFault extends ClusterFaultSpec {
  readonly id: string
  readonly hits: number
}

/** The faults that wait for their clusters. */
export class ClusterFaults {
  #faults: ClusterFault[] = []

  add(spec: ClusterFaultSpec): ClusterFault {
    const fault = { ...spec, id: randomUUID(), hits: 0 }
    this.#faults.push(fault)
    return fault
  }

  list(): readonly ClusterFault[] {
    return this.#faults
  }

  /** Removes all, or the one with this id. */
  clear(id?: string): void {
    this.#faults = id === undefined ? [] : this.#faults.filter((fault) => fault.id !== id)
  }

  /** Whether a zone is out of stock just now; the choice of a zone avoids it. */
  isOutOfStock(zone: string): boolean {
    return this.#faults.some((fault) => fault.kind === 'stockout' && isOpen(fault) && concerns(fault, zone))
  }

  /** The fault of one of these kinds that strikes this cluster, counted as a hit. */
  take(kinds: readonly ClusterFault['kind'][], zone: string, subject: string): ClusterFault | undefined {
    const fault = this.#faults.find(
      (candidate) =>
        kinds.includes(candidate.kind) &&
        isOpen(candidate) &&
        concerns(candidate, zone) &&
        subject.includes(candidate.match ?? ''),
    )
    if (fault === undefined) return undefined
    const hit = { ...fault, hits: fault.hits + 1 }
    this.#faults = this.#faults.map((other) => (other.id === fault.id ? hit : other))
    return hit
  }
}

/**
 * The error of an operation that a fault ends. A stockout's is what Dataproc passes on from Compute Engine (seen in
 * kestra-io/plugin-gcp 698), a boot failure's lists the machines that did not report
 * (GoogleCloudPlatform/data-science-on-gcp 41).
 */
export function faultStatus(fault: ClusterFault, project: string, zone: string, cluster: string): RpcStatus {
  switch (fault.kind) {
    case 'stockout':
      return {
        code: status.UNAVAILABLE,
        message:
          fault.message ??
          `Error Code: UNAVAILABLE, errorSource: COMPUTE_ENGINE, Error Message: The zone 'projects/${project}/zones/${zone}' does not have enough resources available to fulfill the request. '(resource type:compute)'. ZONE_RESOURCE_POOL_EXHAUSTED`,
      }
    case 'boot-failure':
      return {
        code: status.INTERNAL,
        message:
          fault.message ??
          `Multiple Errors:\n - Cannot start master: Insufficient number of DataNodes reporting\n - Worker ${cluster}-w-0 unable to register with master ${cluster}-m. This could be because it is offline, or network is misconfigured.`,
      }
    default:
      return { code: status.INTERNAL, message: fault.message ?? 'Internal server error' }
  }
}

/** What `match` of a fault is looked for in. */
export function faultSubject({ name, resource }: Pick<ClusterRecord, 'name' | 'resource'>): string {
  return `${name} ${JSON.stringify(resource.labels ?? {})}`
}

function isOpen(fault: ClusterFault): boolean {
  return fault.hits < (fault.times ?? 1)
}

function concerns(fault: ClusterFault, zone: string): boolean {
  return fault.zone === undefined || fault.zone === zone
}
