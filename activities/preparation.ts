import { type AverageSpeedInput, clusterSlotsIdOf } from '../workflows/contract.ts'
import { PathError } from '../workflows/paths.ts'
import { InputError, planRun } from '../workflows/plan.ts'
import type { Prepared } from '../workflows/run-types.ts'
import type { ActivitySettings } from './context.ts'
import { failure } from './failures.ts'
import { clusterLifetimeMs } from './lifetimes.ts'

const MINUTE_MS = 60_000

/**
 * Activities that need nothing but the settings.
 * @param zones the zones to try, in order; default: as the settings have them
 */
export function preparationActivities(
  settings: ActivitySettings,
  zones: () => Promise<readonly string[]> = async () => settings.cluster.zones,
) {
  return {
    /**
     * Checks the input, with the gateway's own rules, and adds what the deployment sets.
     * @throws InvalidInput
     */
    async prepareRun(input: AverageSpeedInput): Promise<Prepared> {
      const createCluster = settings.createClusterDeadlineMinutes * MINUTE_MS
      const sparkJob = settings.sparkJobDeadlineMinutes * MINUTE_MS
      try {
        return {
          deployment: settings.deployment,
          plan: planRun(input, settings.defaults),
          deadlines: {
            createCluster,
            sparkJob,
            clusterLifetime: clusterLifetimeMs(settings),
          },
          zones: await zones(),
          cloud: {
            project: settings.project,
            region: settings.region,
            bigqueryLocation: settings.bigqueryLocation,
          },
          clusterSlots: clusterSlotsIdOf(settings.deployment),
        }
      } catch (error) {
        if (error instanceof InputError || error instanceof PathError)
          throw failure('InvalidInput', error.message)
        throw error
      }
    },
  }
}
