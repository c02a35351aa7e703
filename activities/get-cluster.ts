import type { v1 as dataproc, protos } from '@google-cloud/dataproc'
import { isNotFound } from './failures.ts'

/** Reads a cluster; nothing if there is none. */
export async function getCluster(
  clusters: dataproc.ClusterControllerClient,
  request: { readonly projectId: string; readonly region: string; readonly clusterName: string },
): Promise<protos.google.cloud.dataproc.v1.ICluster | undefined> {
  try {
    const [cluster] = await clusters.getCluster(request)
    return cluster
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}
