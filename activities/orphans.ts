import type { Sweep } from '../workflows/run-types.ts'
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
     * Deletes every cluster of this deployment that no open run works with (P3), and what closed runs have written. Whether a
     * run is open, and which cluster it works with, is asked of that very workflow. What cannot be deleted does not keep the
     * rest.
     */
    async reapOrphans(): Promise<Sweep> {
      return attempting('sweep for orphaned clusters', () =>
        heartbeating(async () => {
          try {
            return await leftovers.remove()
          } finally {
            await outputs.deleteAll()
          }
        }),
      )
    },
  }
}
