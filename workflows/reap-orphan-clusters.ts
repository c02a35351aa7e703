import { reapOrphans } from './activity-options.ts'
import { calling } from './summaries.ts'
import { countOrphans } from './telemetry.ts'

/**
 * The scheduled sweep for what a terminated run left behind: it deletes every cluster of this deployment whose run is
 * closed or unknown (P3).
 * @returns the names of the clusters that it deleted
 */
export async function reapOrphanClusters(): Promise<readonly string[]> {
  const deleted = await calling('Delete the clusters whose run is no more', reapOrphans)
  countOrphans(deleted.length)
  return deleted
}
