import { createGoogleClients, type GoogleClients } from '../../src/clients.ts'
import type { TestCloud } from './local-cloud.ts'

/** The official Google clients on a test's cloud. */
export function googleClientsOf(cloud: TestCloud): GoogleClients {
  return createGoogleClients({
    project: cloud.get('GOOGLE_CLOUD_PROJECT'),
    region: cloud.get('DATAPROC_REGION'),
    dataprocEndpoint: cloud.get('DATAPROC_API_ENDPOINT'),
    storageEndpoint: cloud.get('STORAGE_API_ENDPOINT'),
    bigqueryEndpoint: cloud.get('BIGQUERY_API_ENDPOINT'),
  })
}
