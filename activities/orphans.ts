import { abandonedOutputs } from './abandoned-outputs.ts'
import type { ActivityClients, ActivitySettings } from './context.ts'
import { attempting } from './failures.ts'
import { createLeftovers } from './leftovers.ts'
import { heartbeating } from './long-running.ts'

/** Activities of the scheduled sweep. */
export function orphanActivities(clients: ActivityClients, settings: ActivitySettings) {
  const leftovers = createLeftovers(clients, settings)
  const outputs = abandonedOutputs(clients, settings)
  return {
    /**
     * Deletes every cluster of this deployment whose run is no more (P3), and what such runs have written. Whether a run is
     * open is asked of that very workflow. What cannot be deleted does not keep the rest.
     * @returns the names of the clusters that it deleted
     */
    async reapOrphans(): Promise<readonly string[]> {
      return attempting('sweep for orphaned clusters', () =>
        heartbeating(async () => {
          try {
            return await leftovers.remove(async (owner) => (await clients.openExecution(owner)) === undefined)
          } finally {
            await outputs.deleteAll()
          }
        }),
      )
    },
  }
}
