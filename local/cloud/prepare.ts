import { createBigQuery, createStorage } from '../../src/clients.ts'
import { loadSetupConfig } from '../../src/config.ts'
import { ensure } from '../../src/setup/apply.ts'
import type { Resource } from '../../src/setup/resource.ts'
import { storageResources, warehouseResources } from '../../src/setup/resources.ts'
import { constantEnvironment } from './settings.ts'

/**
 * Makes the buckets, as `average-speed setup` does in a project of one's own, and puts the Spark script where jobs find it.
 * @param endpoint one whose calls are not counted
 */
export async function prepareStorage(endpoint: string): Promise<void> {
  const config = loadSetupConfig({ ...constantEnvironment(), STORAGE_API_ENDPOINT: endpoint })
  await ensureAll(storageResources(createStorage(config.google), config))
}

/** Makes dataset and table, and leaves the call counts as if nobody had. */
export async function prepareWarehouse({
  endpoint,
  controlUrl,
}: {
  readonly endpoint: string
  readonly controlUrl: string
}): Promise<void> {
  const config = loadSetupConfig({ ...constantEnvironment(), BIGQUERY_API_ENDPOINT: endpoint })
  await ensureAll(warehouseResources(createBigQuery(config.google), config))
  await fetch(`${controlUrl}/calls`, { method: 'DELETE' })
}

async function ensureAll(resources: readonly Resource[]): Promise<void> {
  for (const resource of resources) await ensure(resource)
}
