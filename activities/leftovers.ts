import type { protos } from '@google-cloud/dataproc'
import { Context } from '@temporalio/activity'
import pMap from 'p-map'
import type { Sweep } from '../workflows/run-types.ts'
import { abandonedOutputs } from './abandoned-outputs.ts'
import { clusterRemoval } from './cluster-removal.ts'
import type { ActivityClients, ActivitySettings } from './context.ts'
import { attemptKeyOf, type Owner, ownerOf } from './labels.ts'
import { ourClusters } from './our-clusters.ts'

type Cluster = protos.google.cloud.dataproc.v1.ICluster

/** A cluster that says whose it is. */
interface Owned {
  readonly name: string
  readonly uuid: string
  readonly key: string
  readonly owner: Owner
}

/** What runs leave behind that end without a word, or that a reset cuts off from what they had begun. */
export interface Leftovers {
  /**
   * Deletes the deployment's clusters that no run works with, waits until they are gone, and deletes what their jobs have
   * written. One that cannot be deleted does not keep the others.
   * @param isMeant told the workflow id of each cluster; default: all
   * @throws the first error, after all were tried
   */
  remove(isMeant?: (owner: string) => boolean): Promise<Sweep>
}

/** Finds leftovers by what clusters carry: their name, labels and metadata. */
export function createLeftovers(clients: ActivityClients, settings: ActivitySettings): Leftovers {
  const removeCluster = clusterRemoval(clients, settings)
  const outputs = abandonedOutputs(clients, settings)

  /**
   * A run names its cluster in its memo before it asks for it. The cluster has been seen before the memo is read, so an open
   * run that names another one has done with it, or was reset to before it.
   */
  async function isAbandoned({ name, owner }: Owned): Promise<boolean> {
    const { isOpen, clusterName } = await clients.readRun(owner.workflowId)
    return !isOpen || clusterName !== name
  }

  async function removeOne({ name, uuid, key, owner }: Owned): Promise<void> {
    Context.current().log.warn('deleting an orphaned cluster', { clusterName: name, ...owner })
    await removeCluster({ key, uuid, owner: owner.workflowId })
    // Not before the cluster is gone: its job would write on.
    await outputs.deleteOf(key, owner.workflowId)
  }

  return {
    async remove(isMeant = () => true) {
      const found: Owned[] = []
      const leftAlone: string[] = []
      const errors: unknown[] = []
      const here = await clients.namespaceId()
      for await (const cluster of ourClusters(clients, settings)) {
        const candidate = ownedOf(cluster)
        if (candidate !== undefined && !isMeant(candidate.owner.workflowId)) continue
        if (candidate?.owner.namespaceId !== here) {
          const { clusterName } = cluster
          Context.current().log.warn('a cluster of another namespace is left alone', {
            clusterName,
            ...candidate?.owner,
          })
          leftAlone.push(clusterName ?? '')
          continue
        }
        if (cluster.status?.state === 'DELETING') continue
        try {
          if (await isAbandoned(candidate)) found.push(candidate)
        } catch (error) {
          errors.push(error)
        }
      }
      const removed = await pMap(
        found,
        async (one) => {
          try {
            await removeOne(one)
            return [one.name]
          } catch (error) {
            errors.push(error)
            return []
          }
        },
        { concurrency: 8 },
      )
      if (errors.length > 0) throw errors[0]
      return { deleted: removed.flat(), leftAlone }
    },
  }
}

function ownedOf(cluster: Cluster): Owned | undefined {
  const { clusterName: name, clusterUuid: uuid } = cluster
  const owner = ownerOf(cluster)
  const key = attemptKeyOf(cluster)
  if (!name || !uuid || owner === undefined || key === undefined) return undefined
  return { name, uuid, key, owner }
}
