import { extractTrips } from '../../local/demo/extract-trips.ts'
import type { GoogleClients } from '../../src/clients.ts'

let batches = 0

/**
 * Exports the public trips to a raw folder that no other test uses.
 * @returns the raw path
 */
export async function exportBatch({ bigquery }: GoogleClients, bucket: string): Promise<string> {
  const rawPath = `gs://${bucket}/test-${process.pid}/raw-2019-03-01T${String(++batches).padStart(6, '0')}/`
  await extractTrips(bigquery, rawPath)
  return rawPath
}
