import { archiveActivities } from './archives.ts'
import { batchActivities } from './batches.ts'
import { clusterCreation } from './cluster-creation.ts'
import { clusterDeletion } from './cluster-deletion.ts'
import { clusterSlotActivities } from './cluster-slots.ts'
import type { ActivityClients, ActivitySettings } from './context.ts'
import { orphanActivities } from './orphans.ts'
import { outputActivities } from './output.ts'
import { preparationActivities } from './preparation.ts'
import { rawFileActivities } from './raw-files.ts'
import { receiptActivities } from './receipts.ts'
import { sparkJobActivities } from './spark-jobs.ts'
import { temporaryFileActivities } from './temporary-files.ts'
import { warehouseActivities } from './warehouse.ts'
import { zoneMemory } from './zones.ts'

export type { ActivityClients, ActivitySettings, RunState } from './context.ts'

/** All activities, on the given clients. */
export function createActivities(clients: ActivityClients, settings: ActivitySettings) {
  return {
    ...preparationActivities(settings, zoneMemory(clients.storage, settings).inOrder),
    ...batchActivities(clients, settings.defaults),
    ...rawFileActivities(clients, settings),
    ...clusterCreation(clients, settings),
    ...clusterSlotActivities(clients, settings),
    ...clusterDeletion(clients, settings),
    ...sparkJobActivities(clients, settings),
    ...outputActivities(clients, settings),
    ...warehouseActivities(clients, settings),
    ...archiveActivities(clients, settings),
    ...receiptActivities(clients, settings.defaults),
    ...temporaryFileActivities(clients, settings),
    ...orphanActivities(clients, settings),
  }
}

/** The activities as the workflow sees them. */
export type Activities = ReturnType<typeof createActivities>
