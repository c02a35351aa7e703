import type { protos } from '@google-cloud/dataproc'
import type { Attempt, ClusterTimes } from '../workflows/run-types.ts'
import { readClusterTimes } from './cluster-times.ts'
import type { ActivityClients, ActivitySettings } from './context.ts'
import { attempting, failure, isNotFound } from './failures.ts'
import { getCluster } from './get-cluster.ts'
import { attemptKeyOf, isOurs } from './labels.ts'
import { heartbeating, pauseFor, pollUntil } from './long-running.ts'

type Cluster = protos.google.cloud.dataproc.v1.ICluster
type Diagnosis = protos.google.cloud.dataproc.v1.IDiagnoseClusterResults

/** The cluster to delete. Without its UUID the reply to its creation was lost, and it may or may not exist. */
export interface DeletionTarget {
  readonly name: string
  readonly key: string
  readonly uuid?: string
  /** Since when it has been running, if that is known. */
  readonly runningAt?: string
  /** The job that it was for; its times are read with the cluster's. */
  readonly sparkJobId?: string
}

/** Deletes clusters, and only ours (P4). */
export function clusterDeletion({ clusters, jobs, slots }: ActivityClients, settings: ActivitySettings) {
  const { project: projectId, region } = settings
  return {
    /**
     * Deletes a cluster, waits until it is gone, and frees its slot: not before, since until then it is paid for. Does
     * nothing when it is gone already but to free the slot.
     * @returns what is known of its times; they are read while and after it goes, so nothing paid waits for them
     * @throws ForeignCluster when a cluster of that name is not the attempt's
     */
    async deleteClusterIfPresent(target: DeletionTarget): Promise<ClusterTimes> {
      return attempting(`delete the cluster ${target.name}`, async () => {
        const times = await remove(target)
        await slots.release(target.name)
        return times
      })
    },

    /**
     * Asks Dataproc to collect the logs of a cluster whose creation failed.
     * @returns the `gs://` URI of the archive, or nothing when there is no such cluster
     */
    async diagnoseCluster(attempt: Attempt): Promise<string | undefined> {
      return attempting(`diagnose the cluster ${attempt.clusterName}`, async () => {
        const request = { projectId, region, clusterName: attempt.clusterName }
        if ((await getCluster(clusters, request)) === undefined) return undefined
        const [{ name = '' }] = await clusters.diagnoseCluster(request)
        return pollUntil({ polling: settings.polling, urgency: 'load', read: () => readDiagnosis(name) })
      })
    },
  }

  async function remove(target: DeletionTarget): Promise<ClusterTimes> {
    const uuid = target.uuid ?? (await heartbeating(() => findUuid(target)))
    if (uuid === undefined) return {}
    const deleteRequestedAt = await requestDeletion(target.name, uuid)
    let last: Cluster | undefined
    await pollUntil({
      polling: settings.polling,
      urgency: 'farewell',
      read: async () => {
        const cluster = await leaving(target.name, uuid)
        last = cluster ?? last
        return cluster === undefined ? true : undefined
      },
    })
    const { runningAt, sparkJobId: jobId } = target
    const job = jobId === undefined ? undefined : { projectId, region, jobId }
    return {
      // What is known without Dataproc's answer, for a cluster that was gone before it could be read.
      ...(runningAt && { runningAt }),
      ...(deleteRequestedAt && { deleteRequestedAt }),
      ...(await readClusterTimes(jobs, last, job)),
    }
  }

  async function readDiagnosis(operationName: string): Promise<string | undefined> {
    const { done, error, result } = await clusters.checkDiagnoseClusterProgress(operationName)
    if (done !== true) return undefined
    if (error) throw error
    return (result as Diagnosis | undefined)?.outputUri ?? ''
  }

  async function findUuid(target: DeletionTarget): Promise<string | undefined> {
    const request = { projectId, region, clusterName: target.name }
    const cluster =
      (await getCluster(clusters, request)) ?? (await afterSettling(() => getCluster(clusters, request)))
    if (cluster === undefined) return undefined
    if (!isOurs(cluster, settings.deployment) || attemptKeyOf(cluster) !== target.key) {
      throw failure(
        'ForeignCluster',
        `The cluster ${target.name} does not carry this run's labels, so it is left alone.`,
      )
    }
    return cluster.clusterUuid ?? undefined
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
