import { Context } from '@temporalio/activity'
import type { ActivityClients, ActivitySettings } from './context.ts'
import { getCluster } from './get-cluster.ts'
import { createLoadJobs } from './load-jobs.ts'
import { type OutputNote, outputNotes } from './output-notes.ts'
import { deleteOutput } from './temporary-files.ts'

/**
 * Deletes the outputs of runs that are closed and did not do so themselves. One that is still being written, or loaded,
 * is left to the next time.
 * @throws the first error, after all were tried
 */
export async function deleteAbandonedOutputs(
  clients: ActivityClients,
  settings: ActivitySettings,
): Promise<void> {
  const { storage, bigquery, clusters, isWorkflowOpen } = clients
  const { project: projectId, region } = settings
  const notes = outputNotes(storage, settings)
  const loads = createLoadJobs(bigquery, settings)

  async function mayBeNeeded({ owner, clusterName, loadId }: OutputNote): Promise<boolean> {
    if (await isWorkflowOpen(owner)) return true
    if ((await getCluster(clusters, { projectId, region, clusterName })) !== undefined) return true
    return loads.isUnderWay(loadId)
  }

  const errors: unknown[] = []
  for await (const { key, note } of notes.list()) {
    try {
      if (await mayBeNeeded(note)) continue
      const { outputPath, owner } = note
      Context.current().log.warn('deleting an abandoned output', { outputPath, owner })
      await deleteOutput(storage, outputPath)
      await notes.remove(key)
    } catch (error) {
      errors.push(error)
    }
  }
  if (errors.length > 0) throw errors[0]
}
