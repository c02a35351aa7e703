import type { ActivityClients, ActivitySettings } from './context.ts'
import { attempting } from './failures.ts'
import { createLeftovers } from './leftovers.ts'
import { heartbeating } from './long-running.ts'

/** Activities of the scheduled sweep. */
export function orphanActivities(clients: ActivityClients, settings: ActivitySettings) {
  const leftovers = createLeftovers(clients, settings)
  return {
    /**
     * Deletes every cluster of this deployment whose run is no more (P3), and what its job has written. Whether a run is
     * open is asked of that very workflow. One that cannot be deleted does not keep the others.
     * @returns the names of the clusters that it deleted
     */
    async reapOrphans(): Promise<readonly string[]> {
      return attempting('sweep for orphaned clusters', () =>
        heartbeating(() => leftovers.remove(async (owner) => !(await clients.isWorkflowOpen(owner)))),
      )
    },
  }
}
