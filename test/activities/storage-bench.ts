import type { GoogleClients } from '../../src/clients.ts'
import { googleClientsOf } from '../support/clients.ts'
import type { TestCloud } from '../support/local-cloud.ts'

/** The clients on a cloud of which only the storage is up; nothing answers at the other endpoints. */
export function googleOnStorage(cloud: TestCloud): GoogleClients {
  const unused = new Map([
    ['DATAPROC_API_ENDPOINT', 'http://127.0.0.1:9'],
    ['BIGQUERY_API_ENDPOINT', 'http://127.0.0.1:9'],
  ])
  return googleClientsOf({ ...cloud, get: (name) => unused.get(name) ?? cloud.get(name) })
}
