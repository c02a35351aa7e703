import type { CancelTimer } from '../control/clock.ts'
import type { Cluster, ClusterState, Location } from './model.ts'
import type { OperationRecord } from './operations.ts'
import { timestamp } from './times.ts'

/** Why a cluster went away. */
export type DeletionCause = 'request' | 'idleDeleteTtl' | 'autoDelete' | 'vanish'

/** A cluster, alive or remembered for the ledger. */
export interface ClusterRecord extends Location {
  readonly name: string
  readonly uuid: string
  /** The API resource; its status changes in place through {@link enterClusterState}. */
  readonly resource: Cluster
  /** Staging bucket, without `gs://`. */
  readonly stagingBucket: string
  /** Short name, such as `us-central1-a`. */
  readonly zone: string
  /** Times are milliseconds of the stand-in's clock. */
  readonly createdAt: number
  runningAt?: number
  /** Since when no job has been running; undefined while one is, or before provisioning is complete. */
  idleSince?: number | undefined
  deleteRequestedAt?: number
  deletedAt?: number
  deletionCause?: DeletionCause
  /** The creation or update, done or not, that a deletion would overtake. */
  openOperation?: OperationRecord
  readonly timers: { boot?: CancelTimer; age?: CancelTimer; idle?: CancelTimer; update?: CancelTimer }
}

/** `projects/P/regions/R/clusters/NAME`, as in error messages. */
export function clusterPath({ project, region, name }: Location & { readonly name: string }): string {
  return `projects/${project}/regions/${region}/clusters/${name}`
}

/** The current state. */
export function clusterState(cluster: ClusterRecord): ClusterState {
  return (cluster.resource.status?.state ?? 'UNKNOWN') as ClusterState
}

/** Moves a cluster to a state and puts the former one into `status_history`. */
export function enterClusterState(
  cluster: ClusterRecord,
  state: ClusterState,
  at: number,
  detail = '',
): void {
  const { resource } = cluster
  if (resource.status) resource.statusHistory = [...(resource.statusHistory ?? []), resource.status]
  resource.status = { state, stateStartTime: timestamp(at), ...(detail && { detail }) }
  if (state === 'RUNNING') cluster.runningAt ??= at
}

/** The states that the list filter's `ACTIVE` and `INACTIVE` stand for (`ListClustersRequest.filter`). */
export function clusterStateGroup(state: ClusterState): readonly string[] {
  if (state === 'CREATING' || state === 'UPDATING' || state === 'RUNNING') return ['ACTIVE']
  if (state === 'DELETING' || state === 'ERROR' || state === 'STOPPING' || state === 'STOPPED')
    return ['INACTIVE']
  return []
}
