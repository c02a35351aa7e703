import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { isPassing, messageOf } from '../../activities/failures.ts'
import type { GoogleClients } from '../clients.ts'
import type { PipelineConfig, WorkerConfig } from '../config.ts'
import { readBucket } from '../setup/buckets.ts'
import { bucketsOf, type DeploymentBucket } from '../setup/deployment-buckets.ts'
import { explainer } from '../setup/explain.ts'
import { foreignFault, isOwned } from '../setup/ownership.ts'
import type { Fault } from '../setup/resource.ts'
import { readTable } from '../setup/warehouse.ts'

/** What would give the worker another deployment's batches or rows. */
export class ForeignError extends Error {
  override readonly name = 'ForeignError'

  constructor(faults: readonly Fault[]) {
    super(
      `The worker does not start:\n${faults.map(({ finding, remedy }) => `  ${finding} ${remedy}`).join('\n')}`,
    )
  }
}

/** Pauses while a service does not answer, in milliseconds. */
const PAUSE_MS = { first: 1_000, longest: 30_000 }

/**
 * Lets a worker start only on buckets that bear the label of its state bucket, and on an output table that bears no other's.
 * While Cloud Storage or BigQuery does not answer, it waits.
 * @throws ForeignError with every fault and what to do
 */
export async function refuseForeign(
  google: Pick<GoogleClients, 'storage' | 'bigquery'>,
  { google: { project }, pipeline, temporal }: Pick<WorkerConfig, 'google' | 'pipeline' | 'temporal'>,
  logger: Pick<Logger, 'warn'>,
): Promise<void> {
  const explain = explainer({ project, temporalAddress: temporal.address })
  const look = async (what: string, api: 'storage' | 'bigquery', ask: () => Promise<Fault | undefined>) => {
    try {
      return await patiently(what, ask, logger)
    } catch (error) {
      return explain(error, `look at ${what}`, api)
    }
  }
  const { outputTable, stateBucket } = pipeline
  const faults = await Promise.all([
    ...bucketsOf(pipeline).map((bucket) =>
      look(`the bucket gs://${bucket.name}`, 'storage', () => bucketFault(google.storage, bucket, pipeline)),
    ),
    look(`the table ${outputTable}`, 'bigquery', async () => {
      const found = await readTable(google.bigquery, outputTable)
      return foreignFault(`The table ${outputTable}`, 'BQ_OUTPUT_TABLE', found?.labels, stateBucket)
    }),
  ])
  const found = faults.filter((fault) => fault !== undefined)
  if (found.length > 0) throw new ForeignError(found)
}

async function bucketFault(
  storage: GoogleClients['storage'],
  { name, setting }: DeploymentBucket,
  { stateBucket }: PipelineConfig,
): Promise<Fault | undefined> {
  const found = await readBucket(storage, name)
  const remedy = 'Run average-speed setup.'
  if (found === undefined) return { finding: `There is no bucket gs://${name} (${setting}).`, remedy }
  const foreign = foreignFault(`The bucket gs://${name}`, setting, found.labels, stateBucket)
  if (foreign !== undefined || isOwned(found.labels, stateBucket)) return foreign
  return { finding: `The bucket gs://${name} bears no label that says which deployment's it is.`, remedy }
}

async function patiently<T>(what: string, ask: () => Promise<T>, logger: Pick<Logger, 'warn'>): Promise<T> {
  for (let pause = PAUSE_MS.first; ; pause = Math.min(2 * pause, PAUSE_MS.longest)) {
    try {
      return await ask()
    } catch (error) {
      if (!isPassing(error)) throw error
      logger.warn({ reason: messageOf(error) }, `cannot look at ${what} yet; the worker starts when it can`)
      await sleep(pause)
    }
  }
}
