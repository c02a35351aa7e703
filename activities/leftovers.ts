import type { protos } from '@google-cloud/dataproc'
import { Context } from '@temporalio/activity'
import pMap from 'p-map'
import { abandonedOutputs } from './abandoned-outputs.ts'
import { clusterRemoval } from './cluster-removal.ts'
import type { ActivityClients, ActivitySettings } from './context.ts'
import { attemptKeyOf, workflowIdOfCluster } from './labels.ts'
import { ourClusters } from './our-clusters.ts'

type Cluster = protos.google.cloud.dataproc.v1.ICluster

/** A cluster that no run knows of any more. */
interface Leftover {
  readonly name: string
  readonly uuid: string
  readonly key: string
  readonly owner: string
}

/** What runs leave behind that end without a word, or that a reset cuts off from what they had begun. */
export interface Leftovers {
  /**
   * Deletes the deployment's clusters that are nobody's, waits until they are gone, and deletes what their jobs have
   * written. One that cannot be deleted does not keep the others.
   * @param isLeftover told the workflow id and the attempt's key of each cluster
   * @returns the names of the clusters that it deleted
   * @throws the first error, after all were tried
   */
  remove(isLeftover: (owner: string, key: string) => Promise<boolean>): Promise<readonly string[]>
}

/** Finds leftovers by what clusters carry: their name, labels and metadata. */
export function createLeftovers(clients: ActivityClients, settings: ActivitySettings): Leftovers {
  const removeCluster = clusterRemoval(clients, settings)
  const outputs = abandonedOutputs(clients, settings)

  async function removeOne({ name, uuid, key, owner }: Leftover): Promise<void> {
    Context.current().log.warn('deleting an orphaned cluster', { clusterName: name, owner })
    await removeCluster({ key, uuid, owner })
    // Not before the cluster is gone: its job would write on.
    await outputs.deleteOf(key, owner)
  }

  return {
    async remove(isLeftover) {
      const found: Leftover[] = []
      const errors: unknown[] = []
      for await (const cluster of ourClusters(clients, settings)) {
        const candidate = leftoverOf(cluster)
        if (candidate === undefined) continue
        try {
          if (await isLeftover(candidate.owner, candidate.key)) found.push(candidate)
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
      return removed.flat()
    },
  }
}

function leftoverOf(cluster: Cluster): Leftover | undefined {
  const { clusterName: name, clusterUuid: uuid } = cluster
  const owner = workflowIdOfCluster(cluster)
  const key = attemptKeyOf(cluster)
  if (!name || !uuid || owner === undefined || key === undefined) return undefined
  if (cluster.status?.state === 'DELETING') return undefined
  return { name, uuid, key, owner }
}
