import type { protos } from '@google-cloud/dataproc'
import { clusterNameOf } from '../workflows/attempt-names.ts'
import type { Attempt, ClusterTimes } from '../workflows/run-types.ts'
import { clusterRemoval, type RemovalTarget } from './cluster-removal.ts'
import type { ActivityClients, ActivitySettings } from './context.ts'
import { attempting } from './failures.ts'
import { getCluster } from './get-cluster.ts'
import { pollUntil } from './long-running.ts'
import { currentExecution, executionEnded, workflowId } from './owner.ts'

type Diagnosis = protos.google.cloud.dataproc.v1.IDiagnoseClusterResults

/** The end of a run's own clusters. */
export function clusterDeletion(clients: ActivityClients, settings: ActivitySettings) {
  const { clusters } = clients
  const { project: projectId, region } = settings
  const removeCluster = clusterRemoval(clients, settings)
  return {
    /**
     * Deletes a cluster that was made for this run, waits until it is gone, and frees its slot. Does nothing when it is gone
     * already but to free the slot.
     * @returns what is known of its times; they are read while and after it goes, so nothing paid waits for them
     * @throws ForeignCluster when the cluster is not the attempt's, or not this run's, ExecutionEnded when the run was reset
     * since, and works with this very cluster
     */
    async deleteClusterIfPresent(target: Omit<RemovalTarget, 'owner'>): Promise<ClusterTimes> {
      const name = clusterNameOf(target.key)
      return attempting(`delete the cluster ${name}`, async () => {
        await refuseLive(name)
        return removeCluster({ ...target, owner: workflowId() })
      })
    },

    /**
     * Asks Dataproc to collect the logs of a cluster whose creation failed.
     * @returns the `gs://` URI of the archive, or nothing when there is no such cluster
     */
    async diagnoseCluster({ key }: Pick<Attempt, 'key'>): Promise<string | undefined> {
      const clusterName = clusterNameOf(key)
      return attempting(`diagnose the cluster ${clusterName}`, async () => {
        const request = { projectId, region, clusterName }
        if ((await getCluster(clusters, request)) === undefined) return undefined
        const [{ name = '' }] = await clusters.diagnoseCluster(request)
        return pollUntil({ polling: settings.polling, urgency: 'load', read: () => readDiagnosis(name) })
      })
    },
  }

  /** An attempt from before a reset keeps its key, so the run may go on with the cluster that an earlier execution had. */
  async function refuseLive(clusterName: string): Promise<void> {
    const me = currentExecution()
    const run = await clients.readRun(me.workflowId)
    if (run.isOpen && run.runId !== me.runId && run.clusterName === clusterName) throw executionEnded(me)
  }

  async function readDiagnosis(operationName: string): Promise<string | undefined> {
    const { done, error, result } = await clusters.checkDiagnoseClusterProgress(operationName)
    if (done !== true) return undefined
    if (error) throw error
    return (result as Diagnosis | undefined)?.outputUri ?? ''
  }
}
