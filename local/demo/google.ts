import { createGoogleClients, type GoogleClients } from '../../src/clients.ts'
import { LOCAL } from '../cloud/settings.ts'

/** The official clients on a local cloud, made as the worker makes them: by endpoints alone. */
export function googleClients(env: Readonly<Record<string, string>>): GoogleClients {
  const endpoint = (name: string): string => {
    const value = env[name]
    if (value === undefined) throw new Error(`${name} is not set: the local cloud is not complete.`)
    return value
  }
  return createGoogleClients({
    project: LOCAL.project,
    region: LOCAL.region,
    dataprocEndpoint: endpoint('DATAPROC_API_ENDPOINT'),
    storageEndpoint: endpoint('STORAGE_API_ENDPOINT'),
    bigqueryEndpoint: endpoint('BIGQUERY_API_ENDPOINT'),
  })
}
