import type { protos } from '@google-cloud/dataproc'
import type { ActivityClients, ActivitySettings } from './context.ts'
import { clusterFilter, isOurs } from './labels.ts'

/** The deployment's clusters, in whatever state, page by page. */
export async function* ourClusters(
  { clusters }: Pick<ActivityClients, 'clusters'>,
  { project: projectId, region, deployment }: ActivitySettings,
): AsyncGenerator<protos.google.cloud.dataproc.v1.ICluster> {
  const request = { projectId, region, filter: clusterFilter(deployment) }
  // Pages are fetched as the loop goes on; the client would warn of its default, which says otherwise.
  for await (const cluster of clusters.listClustersAsync(request, { autoPaginate: false })) {
    if (isOurs(cluster, deployment)) yield cluster
  }
}
