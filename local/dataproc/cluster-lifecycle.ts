import { status } from '@grpc/grpc-js'
import type { StandInClock } from '../control/clock.ts'
import type { ClusterFaults } from './cluster-faults.ts'
import { faultStatus, faultSubject } from './cluster-faults.ts'
import { type ClusterRecord, clusterState, type DeletionCause, enterClusterState } from './cluster-record.ts'
import type { ClusterTable } from './cluster-table.ts'
import { endOfAge, idleLimit } from './lifecycle-config.ts'
import { type Cluster, PACKED_EMPTY, type PackedMessage, packDataproc, type RpcStatus } from './model.ts'
import type { OperationRecord, OperationTable } from './operations.ts'
import type { Settings } from './settings.ts'
import { timestamp } from './times.ts'

/** What a cluster's life needs around it. */
export interface ClusterLifecycleParts {
  readonly clock: StandInClock
  readonly settings: Settings
  readonly faults: ClusterFaults
  readonly clusters: ClusterTable
  readonly operations: OperationTable
  /** Called when the cluster stops being usable; ends its jobs. `forget` also removes them. */
  readonly onLost: (cluster: ClusterRecord, forget: boolean) => void
}

/** Moves clusters through their states on the stand-in's clock. */
export class ClusterLifecycle {
  readonly #parts: ClusterLifecycleParts

  constructor(parts: ClusterLifecycleParts) {
    this.#parts = parts
  }

  /** CREATING, then RUNNING or ERROR after `bootMs`; ends the creation's operation. */
  boot(cluster: ClusterRecord): OperationRecord {
    const { clock, settings, operations, faults } = this.#parts
    enterClusterState(cluster, 'CREATING', clock.now())
    const operation = operations.startOnCluster('CREATE', target(cluster), () => {
      if (clusterState(cluster) !== 'CREATING') return
      this.fail(cluster, { code: status.CANCELLED, message: 'Cluster creation was cancelled.' })
    })
    cluster.openOperation = operation
    this.#watchAge(cluster)
    const fault = faults.take(['stockout', 'boot-failure', 'stuck'], cluster.zone, faultSubject(cluster))
    if (fault?.kind === 'stuck') return operation
    cluster.timers.boot = clock.after(settings.bootMs, () => {
      if (fault !== undefined) {
        this.fail(cluster, faultStatus(fault, cluster.project, cluster.zone, cluster.name))
        return
      }
      if (settings.runningLagMs === 0) this.#run(cluster)
      else cluster.timers.boot = clock.after(settings.runningLagMs, () => this.#run(cluster))
      operations.finish(operation, { response: packedCluster(cluster) })
    })
    return operation
  }

  /** Takes a cluster to UPDATING and back; `apply` makes the change when it takes effect. */
  update(cluster: ClusterRecord, apply: (resource: Cluster) => void): OperationRecord {
    const { clock, settings, operations } = this.#parts
    const operation = operations.startOnCluster('UPDATE', target(cluster))
    cluster.openOperation = operation
    enterClusterState(cluster, 'UPDATING', clock.now())
    cluster.timers.update = clock.after(settings.updateMs, () => {
      apply(cluster.resource)
      if (clusterState(cluster) === 'UPDATING') enterClusterState(cluster, 'RUNNING', clock.now())
      this.#watchAge(cluster)
      this.#watchIdle(cluster)
      operations.finish(operation, { response: packedCluster(cluster) })
    })
    return operation
  }

  /** DELETING at once, gone after `deleteMs`; its jobs end first. */
  delete(cluster: ClusterRecord, cause: DeletionCause): OperationRecord {
    const { clock, settings, operations, faults, onLost } = this.#parts
    stopTimers(cluster)
    cluster.deleteRequestedAt = clock.now()
    cluster.deletionCause = cause
    enterClusterState(cluster, 'DELETING', clock.now())
    onLost(cluster, false)
    // A creation that is overtaken by a deletion ends well and returns a cluster that is DELETING (airflow 61947).
    if (cluster.openOperation) {
      operations.finish(cluster.openOperation, { response: packedCluster(cluster) })
    }
    const operation = operations.startOnCluster('DELETE', target(cluster))
    const fault = faults.take(['delete-failure'], cluster.zone, faultSubject(cluster))
    clock.after(settings.deleteMs, () => {
      if (fault !== undefined) {
        cluster.openOperation = operation
        this.fail(cluster, faultStatus(fault, cluster.project, cluster.zone, cluster.name))
        this.#watchAge(cluster)
        return
      }
      this.#remove(cluster)
      operations.finish(operation, { response: PACKED_EMPTY })
    })
    return operation
  }

  /** Puts a cluster into ERROR, where it stays, and costs, until it is deleted; what was being done to it fails too. */
  fail(cluster: ClusterRecord, error: RpcStatus): void {
    const { clock, onLost, operations } = this.#parts
    cluster.timers.boot?.()
    cluster.timers.update?.()
    enterClusterState(cluster, 'ERROR', clock.now(), error.message)
    onLost(cluster, false)
    this.noteIdle(cluster)
    if (cluster.openOperation) operations.finish(cluster.openOperation, { error })
  }

  /** Takes a cluster away as if it had never been; its jobs are lost with it. */
  vanish(cluster: ClusterRecord): void {
    const { clock, operations, onLost } = this.#parts
    stopTimers(cluster)
    cluster.deletionCause = 'vanish'
    cluster.deleteRequestedAt ??= clock.now()
    onLost(cluster, true)
    this.#remove(cluster)
    if (cluster.openOperation) {
      operations.finish(cluster.openOperation, {
        error: { code: status.INTERNAL, message: 'Internal server error' },
      })
    }
  }

  /** Starts counting idle time; called when the cluster is provisioned and when its last job has ended. */
  noteIdle(cluster: ClusterRecord): void {
    cluster.idleSince = this.#parts.clock.now()
    this.#watchIdle(cluster)
  }

  /** Stops counting idle time: a job was submitted. */
  noteBusy(cluster: ClusterRecord): void {
    cluster.idleSince = undefined
    this.#watchIdle(cluster)
  }

  #run(cluster: ClusterRecord): void {
    enterClusterState(cluster, 'RUNNING', this.#parts.clock.now())
    this.noteIdle(cluster)
  }

  #remove(cluster: ClusterRecord): void {
    cluster.deletedAt = this.#parts.clock.now()
    this.#parts.clusters.remove(cluster)
  }

  #watchAge(cluster: ClusterRecord): void {
    cluster.timers.age?.()
    const end = endOfAge(cluster.resource.config?.lifecycleConfig, cluster.createdAt)
    if (end !== undefined) this.#deleteAt(cluster, 'age', end, 'autoDelete')
  }

  #watchIdle(cluster: ClusterRecord): void {
    cluster.timers.idle?.()
    const lifecycle = cluster.resource.config?.lifecycleConfig
    const limit = idleLimit(lifecycle)
    if (lifecycle && limit !== undefined) {
      lifecycle.idleStartTime = cluster.idleSince === undefined ? null : timestamp(cluster.idleSince)
    }
    if (limit === undefined || cluster.idleSince === undefined) return
    this.#deleteAt(cluster, 'idle', cluster.idleSince + limit, 'idleDeleteTtl')
  }

  #deleteAt(cluster: ClusterRecord, timer: 'age' | 'idle', at: number, cause: DeletionCause): void {
    const { clock, clusters } = this.#parts
    cluster.timers[timer] = clock.after(at - clock.now(), () => {
      if (clusters.isLive(cluster) && clusterState(cluster) !== 'DELETING') this.delete(cluster, cause)
    })
  }
}

/** The cluster as an operation's response: as it is now, whatever becomes of it. */
function packedCluster(cluster: ClusterRecord): PackedMessage {
  return packDataproc('Cluster', structuredClone(cluster.resource))
}

function target(cluster: ClusterRecord) {
  const { project, region, name, uuid } = cluster
  return { project, region, name, uuid, labels: cluster.resource.labels ?? {} }
}

function stopTimers({ timers }: ClusterRecord): void {
  for (const stop of [timers.boot, timers.age, timers.idle, timers.update]) stop?.()
}
