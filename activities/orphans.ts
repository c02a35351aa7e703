import { Context } from '@temporalio/activity'
import type { ActivityClients, ActivitySettings } from './context.ts'
import { attempting, isNotFound } from './failures.ts'
import { clusterFilter, isOurs, workflowIdOfCluster } from './labels.ts'
import { heartbeating } from './long-running.ts'

/** Activities of the scheduled sweep. */
export function orphanActivities({ clusters, isWorkflowOpen }: ActivityClients, settings: ActivitySettings) {
  const { project: projectId, region, deployment } = settings
  return {
    /**
     * Deletes every cluster of this deployment whose run is no more (P3). Whether a run is open is asked of that very
     * workflow. One that cannot be deleted does not keep the others.
     * @returns the names of the clusters whose deletion it asked for
     */
    async reapOrphans(): Promise<readonly string[]> {
      return attempting('sweep for orphaned clusters', () =>
        heartbeating(async () => {
          const reaped: string[] = []
          const errors: unknown[] = []
          const request = { projectId, region, filter: clusterFilter(deployment) }
          // Pages are fetched as the loop goes on; the client would warn of its default, which says otherwise.
          for await (const cluster of clusters.listClustersAsync(request, { autoPaginate: false })) {
            const { clusterName, clusterUuid } = cluster
            const owner = workflowIdOfCluster(cluster)
            if (!clusterName || !clusterUuid || owner === undefined || !isOurs(cluster, deployment)) continue
            if (cluster.status?.state === 'DELETING') continue
            try {
              if (await isWorkflowOpen(owner)) continue
              Context.current().log.warn('deleting an orphaned cluster', { clusterName, owner })
              await deleteCluster(clusterName, clusterUuid)
              reaped.push(clusterName)
            } catch (error) {
              errors.push(error)
            }
          }
          if (errors.length > 0) throw errors[0]
          return reaped
        }),
      )
    },
  }

  async function deleteCluster(clusterName: string, clusterUuid: string): Promise<void> {
    try {
      await clusters.deleteCluster({ projectId, region, clusterName, clusterUuid })
    } catch (error) {
      if (!isNotFound(error)) throw error
    }
  }
}
