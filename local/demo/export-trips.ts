import { newBatchName } from '../../src/setup/export-batch.ts'
import { LOCAL } from '../cloud/settings.ts'
import { extractTrips } from './extract-trips.ts'
import { googleClients } from './google.ts'

/**
 * Makes a raw batch as the user of a real project does: an extract of the public table to a fresh folder.
 * @returns the raw path
 */
export async function exportTrips(
  env: Readonly<Record<string, string>>,
  say: (line: string) => void,
): Promise<string> {
  const { bigquery, close } = googleClients(env)
  try {
    const rawPath = `gs://${LOCAL.rawBucket}/cloud-composer-lab/${newBatchName()}/`
    say(`\nExporting nyc-tlc:yellow.trips to ${rawPath}`)
    say(`  ${await extractTrips(bigquery, rawPath)} files`)
    return rawPath
  } finally {
    await close()
  }
}
