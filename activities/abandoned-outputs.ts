import { Context } from '@temporalio/activity'
import { clusterNameOf } from '../workflows/attempt-names.ts'
import { createClaims } from './claims.ts'
import { confirmedPlanOf } from './confirmed-plan.ts'
import type { ActivityClients, ActivitySettings } from './context.ts'
import { getCluster } from './get-cluster.ts'
import { createLoadJobs } from './load-jobs.ts'
import { type OutputNote, outputNotes } from './output-notes.ts'
import { batchFolders } from './storage/own-folder.ts'
import { deleteOutput } from './temporary-files.ts'

/** Outputs that nobody deletes any more. */
export interface AbandonedOutputs {
  /**
   * Deletes the outputs of runs that are closed and did not do so themselves. One that is still being written, or loaded, or
   * whose batch another run works on, is left to the next time; those of other Temporal namespaces are left to these.
   * @throws the first error, after all were tried
   */
  deleteAll(): Promise<void>
  /**
   * The same for the attempt of a cluster that has just been deleted, whether its run is closed or goes on with another.
   * @param owner the workflow that the cluster was made for, by what it said of itself; an output of another is spared
   */
  deleteOf(key: string, owner: string): Promise<void>
}

/** Finds outputs by the worker's own notes: a cluster's labels and metadata may be anybody's. */
export function abandonedOutputs(clients: ActivityClients, settings: ActivitySettings): AbandonedOutputs {
  const { storage, bigquery, clusters, openExecution, namespaceId } = clients
  const { project: projectId, region, defaults } = settings
  const claims = createClaims(clients)
  const notes = outputNotes(storage, settings)
  const loads = createLoadJobs(bigquery, settings)

  async function isBeingWritten(key: string): Promise<boolean> {
    const clusterName = clusterNameOf(key)
    return (await getCluster(clusters, { projectId, region, clusterName })) !== undefined
  }

  async function remove(key: string, { input, owner, loadId }: OutputNote): Promise<void> {
    if ((await isBeingWritten(key)) || (await loads.isUnderWay(loadId))) return
    const folders = batchFolders(confirmedPlanOf(input, defaults), defaults)
    // While another run works on the batch, nothing of it is touched on a note's word.
    const holder = await claims.holder(folders.notes)
    if (holder !== undefined && holder !== owner) return
    const { uri: outputPath } = folders.output(key)
    Context.current().log.warn('deleting an abandoned output', { outputPath, owner })
    await deleteOutput(storage, folders, key)
    await notes.remove(key)
  }

  return {
    async deleteAll() {
      const errors: unknown[] = []
      const here = await namespaceId()
      for await (const key of notes.list()) {
        try {
          const note = await notes.read(key)
          if (note === undefined || note.namespaceId !== here) continue
          if ((await openExecution(note.owner)) === undefined) await remove(key, note)
        } catch (error) {
          errors.push(error)
        }
      }
      if (errors.length > 0) throw errors[0]
    },
    async deleteOf(key, owner) {
      const note = await notes.read(key)
      // Anybody may make a cluster of that name once the run's own has gone.
      if (note?.owner === owner && note.namespaceId === (await namespaceId())) await remove(key, note)
    },
  }
}
