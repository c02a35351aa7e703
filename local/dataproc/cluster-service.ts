import type { protos } from '@google-cloud/dataproc'
import type { StandInClock } from '../control/clock.ts'
import { type ClusterFaults, faultSubject } from './cluster-faults.ts'
import type { ClusterLifecycle } from './cluster-lifecycle.ts'
import { type ClusterRecord, clusterPath, clusterState, clusterStateGroup } from './cluster-record.ts'
import { checkClusterName, checkNewCluster, shortName } from './cluster-request.ts'
import { newClusterResource, newClusterUuid, serviceBucket } from './cluster-resource.ts'
import type { ClusterTable } from './cluster-table.ts'
import { clusterUpdate } from './cluster-update.ts'
import { diagnose } from './diagnosis.ts'
import { alreadyExists, failedPrecondition, invalidArgument, notFound } from './errors.ts'
import { labelValues, parseFilter, satisfies } from './filters.ts'
import type { Cluster, Location, Operation } from './model.ts'
import { type OperationRecord, type OperationTable, operationMessage } from './operations.ts'
import { page } from './paging.ts'
import { locationOf, RequestIds } from './requests.ts'
import type { ServiceStorage } from './service-storage.ts'

type V1 = typeof protos.google.cloud.dataproc.v1
type Create = protos.google.cloud.dataproc.v1.ICreateClusterRequest
type Update = protos.google.cloud.dataproc.v1.IUpdateClusterRequest
type Delete = protos.google.cloud.dataproc.v1.IDeleteClusterRequest
type Get = protos.google.cloud.dataproc.v1.IGetClusterRequest
type List = protos.google.cloud.dataproc.v1.IListClustersRequest
type Diagnose = protos.google.cloud.dataproc.v1.IDiagnoseClusterRequest
type ListResponse = Pick<InstanceType<V1['ListClustersResponse']>, 'nextPageToken'> & {
  clusters: readonly Cluster[]
}

/** What the cluster calls need. */
export interface ClusterServiceParts {
  readonly clock: StandInClock
  readonly clusters: ClusterTable
  readonly lifecycle: ClusterLifecycle
  readonly operations: OperationTable
  readonly faults: ClusterFaults
  readonly storage: ServiceStorage
  /** The only project that there is; undefined accepts any. */
  readonly project: string | undefined
}

/** The calls of `google.cloud.dataproc.v1.ClusterController`, as the comments in clusters.proto describe them. */
export function clusterService(parts: ClusterServiceParts) {
  const { clock, clusters, lifecycle, faults, storage } = parts
  const requests = new RequestIds<OperationRecord>()
  const locate = (request: Get) => locationOf(request, parts.project)

  function existing(at: Location, name: string | null | undefined): ClusterRecord {
    checkClusterName(name)
    const cluster = clusters.get(at, name)
    if (cluster === undefined) throw notFound(`Cluster ${clusterPath({ ...at, name })}`)
    return cluster
  }

  return {
    async CreateCluster(request: Create): Promise<Operation> {
      const at = locate(request)
      const asked = request.cluster
      const replay = requests.find(at, 'CreateCluster', request.requestId)
      if (replay) return operationMessage(replay)
      checkNewCluster(asked, at, clock.now())
      if (asked.config?.configBucket) await storage.requireBucket(asked.config.configBucket)
      // Another call with the same id or name may have come while the bucket was looked for.
      const overtaken = requests.find(at, 'CreateCluster', request.requestId)
      if (overtaken) return operationMessage(overtaken)
      const cluster = newCluster(asked, at, parts)
      if (clusters.get(at, cluster.name)) {
        throw alreadyExists(`Failed to create cluster: Cluster ${clusterPath(cluster)}`)
      }
      const quota = faults.take(['quota'], cluster.zone, faultSubject(cluster))
      if (quota) throw invalidArgument(quota.message ?? quotaMessage(cluster.resource))
      clusters.add(cluster)
      const operation = lifecycle.boot(cluster)
      requests.keep(at, 'CreateCluster', request.requestId, operation)
      if (!asked.config?.configBucket) storage.makeBucketSoon(at.project, cluster.stagingBucket)
      return operationMessage(operation)
    },

    UpdateCluster(request: Update): Operation {
      const at = locate(request)
      const replay = requests.find(at, 'UpdateCluster', request.requestId)
      if (replay) return operationMessage(replay)
      const cluster = existing(at, request.clusterName)
      const change = clusterUpdate(request, clock.now())
      const state = clusterState(cluster)
      if (state !== 'RUNNING') {
        throw failedPrecondition(
          `Cluster '${cluster.name}' must be in RUNNING state to be updated; it is in state '${state}'.`,
        )
      }
      const operation = lifecycle.update(cluster, change)
      requests.keep(at, 'UpdateCluster', request.requestId, operation)
      return operationMessage(operation)
    },

    DeleteCluster(request: Delete): Operation {
      const at = locate(request)
      const replay = requests.find(at, 'DeleteCluster', request.requestId)
      if (replay) return operationMessage(replay)
      const cluster = existing(at, request.clusterName)
      if (request.clusterUuid && request.clusterUuid !== cluster.uuid) {
        throw notFound(`Cluster ${clusterPath(cluster)} with UUID ${request.clusterUuid}`)
      }
      if (clusterState(cluster) === 'DELETING') {
        // The sentence that clients look for (DataBiosphere/leonardo 219 and 1823).
        throw failedPrecondition(
          `Cannot delete cluster '${cluster.name}' while it has other pending delete operations.`,
        )
      }
      const operation = lifecycle.delete(cluster, 'request')
      requests.keep(at, 'DeleteCluster', request.requestId, operation)
      return operationMessage(operation)
    },

    GetCluster(request: Get): Cluster {
      return existing(locate(request), request.clusterName).resource
    },

    ListClusters(request: List): ListResponse {
      const terms = parseFilter(request.filter, ['status.state', 'clusterName'])
      const found = clusters.list(locate(request)).filter((cluster) =>
        satisfies(terms, (field) => {
          const state = clusterState(cluster)
          if (field === 'status.state') return [state, ...clusterStateGroup(state)]
          if (field === 'clusterName') return [cluster.name]
          return labelValues(cluster.resource.labels ?? {}, field)
        }),
      )
      const { items, nextPageToken } = page(found, ({ name }) => name, request.pageSize, request.pageToken)
      return { clusters: items.map(({ resource }) => resource), nextPageToken }
    },

    DiagnoseCluster(request: Diagnose): Operation {
      const cluster = existing(locate(request), request.clusterName)
      return operationMessage(diagnose(cluster, request.tarballGcsDir, parts))
    },
  }
}

function newCluster(asked: Cluster, at: Location, { clock, faults }: ClusterServiceParts): ClusterRecord {
  const uuid = newClusterUuid()
  const zone =
    shortName(asked.config?.gceClusterConfig?.zoneUri) ||
    freeZone(at.region, (name) => faults.isOutOfStock(name))
  const stagingBucket = asked.config?.configBucket || serviceBucket('staging', at)
  return {
    ...at,
    name: asked.clusterName ?? '',
    uuid,
    zone,
    stagingBucket,
    resource: newClusterResource(asked, { ...at, uuid, zone, stagingBucket }),
    createdAt: clock.now(),
    timers: {},
  }
}

/** Auto zone placement: a zone with machines in stock, if there is one. */
function freeZone(region: string, isOutOfStock: (zone: string) => boolean): string {
  const zones = ['a', 'b', 'c', 'f'].map(
    (letter) => `${region === 'global' ? 'us-central1' : region}-${letter}`,
  )
  return zones.find((zone) => !isOutOfStock(zone)) ?? `${zones[0]}`
}

/** As Dataproc words it (seen in kubeflow/pipelines 3046). */
function quotaMessage({ config }: Cluster): string {
  const cores = (type: string | null | undefined) => Number(/-(\d+)$/.exec(shortName(type))?.[1] ?? 1)
  const group = (
    machines: { machineTypeUri?: string | null; numInstances?: number | null } | null | undefined,
  ) => cores(machines?.machineTypeUri) * (machines?.numInstances ?? 0)
  const asked = group(config?.masterConfig) + group(config?.workerConfig)
  return `Insufficient 'CPUS' quota. Requested ${asked.toFixed(1)}, available 0.0.`
}
