import { reapOrphans } from './activity-options.ts'
import type { Sweep } from './run-types.ts'
import { calling } from './summaries.ts'
import { countOrphans } from './telemetry.ts'

/**
 * The scheduled sweep for what a terminated run left behind: it deletes every cluster of this deployment whose run is
 * closed or unknown, or works with another one (P3).
 */
export async function reapOrphanClusters(): Promise<Sweep> {
  const sweep = await calling('Delete the clusters that no run works with', reapOrphans)
  countOrphans(sweep.deleted.length)
  return sweep
}
