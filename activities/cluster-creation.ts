import type { protos } from '@google-cloud/dataproc'
import { operationsProtos } from 'google-gax'
import { clusterNameOf, isAttemptKey } from '../workflows/attempt-names.ts'
import type { Attempt, ClusterRef, Deadlines } from '../workflows/run-types.ts'
import { firstIn } from './cluster-times.ts'
import type { ActivityClients, ActivitySettings } from './context.ts'
import { removeEarlierClusters } from './earlier-clusters.ts'
import { attempting, failure, isAlreadyExists, isStockout, messageOf } from './failures.ts'
import { getCluster } from './get-cluster.ts'
import { attemptKeyOf, isOurs, type Owner, ownership } from './labels.ts'
import { createLeftovers } from './leftovers.ts'
import { IDLE_DELETE_SECONDS } from './lifetimes.ts'
import { pollUntil } from './long-running.ts'
import { workflowId } from './owner.ts'
import { withSparkCopies } from './spark-files.ts'
import { zoneMemory } from './zones.ts'

type Cluster = protos.google.cloud.dataproc.v1.ICluster

/** Creates a cluster for one attempt. */
export function clusterCreation(clients: ActivityClients, settings: ActivitySettings) {
  const { clusters, storage } = clients
  const { project: projectId, region } = settings
  const zones = zoneMemory(storage, settings)
  const leftovers = createLeftovers(clients, settings)
  return {
    /**
     * Creates the attempt's cluster and waits until it is running. A repeated try meets the cluster of the first: the
     * request id and the name both belong to the attempt.
     * @throws SparkScriptChanged, NotFound, ClusterSlotLost, Stockout, QuotaExceeded, ClusterCreationFailed, ForeignCluster, PermissionDenied
     */
    async createCluster(attempt: Attempt, deadlines: Deadlines): Promise<ClusterRef> {
      return attempting(`create the cluster ${attempt.clusterName}`, async () => {
        refuseForgedName(attempt)
        // A job that could not be submitted is found out before its cluster is paid for.
        await withSparkCopies(storage, settings)
        await requireSlot(attempt)
        const operation = await requestCreation(attempt, deadlines)
        const earlierGone = removeEarlierClusters(leftovers)
        try {
          const cluster = await pollUntil({
            polling: settings.polling,
            urgency: 'boot',
            read: () => readCreation(attempt, operation),
          })
          await zones.note(attempt.zone)
          return cluster
        } finally {
          await earlierGone
        }
      })
    },
  }

  /**
   * What history says of the slot is a hint: a reset goes on after the grant, though the slot was given up since. A cluster
   * that exists counts in any case.
   */
  async function requireSlot({ clusterName }: Attempt): Promise<void> {
    if (await clients.slots.isHeld(clusterName)) return
    if ((await getCluster(clusters, { projectId, region, clusterName })) !== undefined) return
    throw failure(
      'ClusterSlotLost',
      `The slot of the cluster ${clusterName} was given up, so it is not created.`,
    )
  }

  /** @returns the name of the operation to watch, or nothing when only the cluster itself can be watched */
  async function requestCreation(attempt: Attempt, deadlines: Deadlines): Promise<string | undefined> {
    try {
      const [operation] = await clusters.createCluster({
        projectId,
        region,
        requestId: attempt.key,
        cluster: clusterOf(attempt, deadlines, settings, {
          namespaceId: await clients.namespaceId(),
          workflowId: workflowId(),
        }),
      })
      return operation.name ?? undefined
    } catch (error) {
      if (!isAlreadyExists(error)) throw error
      const cluster = await getCluster(clusters, { projectId, region, clusterName: attempt.clusterName })
      if (cluster !== undefined && !isOursFor(cluster, attempt, settings)) {
        throw failure(
          'ForeignCluster',
          `A cluster named ${attempt.clusterName} exists and is not this run's, so it is left alone.`,
        )
      }
      return undefined
    }
  }

  async function readCreation(
    attempt: Attempt,
    operationName: string | undefined,
  ): Promise<ClusterRef | undefined> {
    if (operationName !== undefined) {
      const [operation] = await clusters.operationsClient.getOperation(
        new operationsProtos.google.longrunning.GetOperationRequest({ name: operationName }),
      )
      if (operation.done !== true) return undefined
      if (operation.error) throw creationFailure(attempt, operation.error.message ?? 'no reason given')
    }
    // The operation being done is not the cluster being RUNNING.
    const cluster = await getCluster(clusters, { projectId, region, clusterName: attempt.clusterName })
    const state = cluster?.status?.state
    if (cluster === undefined)
      throw failure('ClusterGone', `The cluster ${attempt.clusterName} vanished while it was being created.`)
    if (state === 'ERROR' || state === 'ERROR_DUE_TO_UPDATE') {
      throw creationFailure(attempt, cluster.status?.detail || 'the cluster is in the state ERROR')
    }
    if (state === 'DELETING')
      throw failure('ClusterGone', `The cluster ${attempt.clusterName} is being deleted by somebody else.`)
    if (state !== 'RUNNING' || !cluster.clusterUuid) return undefined
    const runningAt = firstIn(cluster, ['RUNNING'])
    return { name: attempt.clusterName, uuid: cluster.clusterUuid, ...(runningAt && { runningAt }) }
  }
}

function isOursFor(cluster: Cluster, attempt: Attempt, settings: ActivitySettings): boolean {
  return isOurs(cluster, settings.deployment) && attemptKeyOf(cluster) === attempt.key
}

/** Whoever looks for the cluster later goes by the name that follows from its key. */
function refuseForgedName({ key, clusterName }: Attempt): void {
  if (isAttemptKey(key) && clusterName === clusterNameOf(key)) return
  throw failure('InvalidInput', `${clusterName} is not the name that an attempt's cluster has.`)
}

function creationFailure(attempt: Attempt, reason: string): Error {
  const message = messageOf(reason)
  if (isStockout(message)) {
    const place = attempt.zone ?? 'the zone that Dataproc chose'
    return failure('Stockout', `${place} has no machines for the cluster ${attempt.clusterName}: ${message}`)
  }
  if (/quota/i.test(message)) {
    return failure(
      'QuotaExceeded',
      `The project has no quota for the cluster ${attempt.clusterName}: ${message}`,
    )
  }
  return failure(
    'ClusterCreationFailed',
    `The cluster ${attempt.clusterName} could not be created: ${message}`,
  )
}

function clusterOf(
  attempt: Attempt,
  deadlines: Deadlines,
  settings: ActivitySettings,
  owner: Owner,
): Cluster {
  const { cluster: shape, deployment, project } = settings
  const { labels, metadata } = ownership(deployment, owner, attempt)
  const { gceClusterConfig: machines } = shape.config
  return {
    projectId: project,
    clusterName: attempt.clusterName,
    // Ours come last: teardown and sweep find the cluster by them (P3, P4).
    labels: { ...shape.labels, ...labels },
    config: {
      ...shape.config,
      gceClusterConfig: {
        ...machines,
        metadata: { ...machines?.metadata, ...metadata },
        ...(attempt.zone !== undefined && { zoneUri: attempt.zone }),
      },
      lifecycleConfig: {
        idleDeleteTtl: { seconds: IDLE_DELETE_SECONDS },
        autoDeleteTtl: { seconds: Math.ceil(deadlines.clusterLifetime / 1000) },
      },
    },
  }
}
