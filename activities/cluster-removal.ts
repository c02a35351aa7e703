import type { protos } from '@google-cloud/dataproc'
import { clusterNameOf } from '../workflows/attempt-names.ts'
import type { ClusterTimes } from '../workflows/run-types.ts'
import { readClusterTimes } from './cluster-times.ts'
import type { ActivityClients, ActivitySettings } from './context.ts'
import { failure, isNotFound } from './failures.ts'
import { getCluster } from './get-cluster.ts'
import { attemptKeyOf, isOurs, workflowIdOfCluster } from './labels.ts'
import { heartbeating, pauseFor, pollUntil } from './long-running.ts'

type Cluster = protos.google.cloud.dataproc.v1.ICluster

/** The cluster to remove: its name follows from the attempt's key. */
export interface RemovalTarget {
  /** The attempt's. */
  readonly key: string
  /** The workflow that it was made for. */
  readonly owner: string
  /** Absent when the reply to its creation was lost, so that it may or may not exist. */
  readonly uuid?: string
  /** Since when it has been running, if that is known. */
  readonly runningAt?: string
  /** The job that it was for; its times are read with the cluster's. */
  readonly sparkJobId?: string
}

/**
 * Removes clusters, and only ours (P4). What it is told is compared with the cluster's own labels and metadata.
 * @returns removes one and waits until it is gone; does nothing when it is gone already; tells what is known of its times
 * @throws ForeignCluster (from what is returned) when the cluster of that name is not the attempt's, or not the owner's
 */
export function clusterRemoval({ clusters, jobs, slots }: ActivityClients, settings: ActivitySettings) {
  const { project: projectId, region } = settings
  return async (target: RemovalTarget): Promise<ClusterTimes> => {
    const times = await remove(target)
    // Not before it is gone: until then it is paid for.
    await slots.release(clusterNameOf(target.key))
    return times
  }

  async function remove(target: RemovalTarget): Promise<ClusterTimes> {
    const name = clusterNameOf(target.key)
    const uuid = await heartbeating(() => findUuid(name, target))
    if (uuid === undefined) return timesOf(target)
    const deleteRequestedAt = await requestDeletion(name, uuid)
    let last: Cluster | undefined
    await pollUntil({
      polling: settings.polling,
      urgency: 'farewell',
      read: async () => {
        const cluster = await leaving(name, uuid)
        last = cluster ?? last
        return cluster === undefined ? true : undefined
      },
    })
    return timesOf(target, last, deleteRequestedAt)
  }

  async function timesOf(
    { runningAt, sparkJobId: jobId, uuid }: RemovalTarget,
    last?: Cluster,
    deleteRequestedAt?: string,
  ): Promise<ClusterTimes> {
    if (last === undefined && uuid === undefined) return {}
    const job = jobId === undefined ? undefined : { projectId, region, jobId }
    return {
      // What is known without Dataproc's answer, for a cluster that was gone before it could be read.
      ...(runningAt && { runningAt }),
      ...(deleteRequestedAt && { deleteRequestedAt }),
      ...(await readClusterTimes(jobs, last, job)),
    }
  }

  /** @returns the UUID of the cluster that is to go; nothing when it is gone */
  async function findUuid(clusterName: string, target: RemovalTarget): Promise<string | undefined> {
    const read = () => getCluster(clusters, { projectId, region, clusterName })
    const found = (await read()) ?? (target.uuid === undefined ? await afterSettling(read) : undefined)
    // One of the same name and another UUID was made after ours had gone.
    if (found === undefined || (target.uuid ?? found.clusterUuid) !== found.clusterUuid) return undefined
    const isTheirs =
      isOurs(found, settings.deployment) &&
      attemptKeyOf(found) === target.key &&
      workflowIdOfCluster(found) === target.owner
    if (!isTheirs) {
      throw failure(
        'ForeignCluster',
        `The cluster ${clusterName} does not carry this run's labels, so it is left alone.`,
      )
    }
    return found.clusterUuid ?? undefined
  }

  /** @returns when it was asked for, by this machine's clock; nothing if it was not needed, or asked for before */
  async function requestDeletion(clusterName: string, clusterUuid: string): Promise<string | undefined> {
    const now = new Date().toISOString()
    try {
      // A request id that is used again would return the first, perhaps failed, operation; the UUID already makes a
      // repeated delete harmless.
      await clusters.deleteCluster({ projectId, region, clusterName, clusterUuid })
      return now
    } catch (error) {
      if (isNotFound(error)) return undefined
      // A cluster that is being deleted already refuses a second delete, and one of another UUID is not ours.
      const cluster = await getCluster(clusters, { projectId, region, clusterName })
      if (
        cluster !== undefined &&
        cluster.clusterUuid === clusterUuid &&
        cluster.status?.state !== 'DELETING'
      )
        throw error
      return undefined
    }
  }

  /** The cluster while it is being deleted; nothing once it is gone. */
  async function leaving(clusterName: string, uuid: string): Promise<Cluster | undefined> {
    const cluster = await getCluster(clusters, { projectId, region, clusterName })
    if (cluster === undefined || cluster.clusterUuid !== uuid) return undefined
    if (cluster.status?.state === 'DELETING') return cluster
    throw new Error(
      `The cluster ${clusterName} is still in the state ${cluster.status?.state} after its deletion was asked for.`,
    )
  }

  async function afterSettling<T>(read: () => Promise<T>): Promise<T> {
    // A creation whose request was lost on the way may still be carried out by the other side for a while.
    await pauseFor(settings.settleMs)
    return read()
  }
}
