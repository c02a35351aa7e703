import type { Client } from '@temporalio/client'
import { NativeConnection, Runtime } from '@temporalio/worker'
import { connectTemporal, createGoogleClients, temporalOptions } from '../clients.ts'
import { loadWorkerConfig, type WorkerConfig } from '../config.ts'
import { createLogger, temporalLogger } from '../logging.ts'
import { printable } from '../printable.ts'
import { ensure } from '../setup/apply.ts'
import { reaperSchedule } from '../setup/reaper-schedule.ts'
import { explainTemporalFailure } from '../temporal-failure.ts'
import { createWorker } from './create-worker.ts'
import { healthServer } from './health.ts'
import { observeOpenRuns } from './open-runs.ts'
import { refuseForeign } from './refuse-foreign.ts'
import { surviveAbandonedDownloads } from './stray-rejections.ts'
import { telemetryOf } from './telemetry.ts'

/** Runs a worker until SIGINT or SIGTERM; then finishes or lets go of what it is doing, and closes what it opened. */
async function main(): Promise<void> {
  const config = loadWorkerConfig()
  const logger = createLogger('worker', config.logLevel)
  const google = createGoogleClients(config.google)
  // Before Temporal's runtime takes the signals: it may wait, and is told to stop by one.
  await refuseForeign(google, config, logger)
  Runtime.install({ logger: temporalLogger(logger), ...telemetryOf(config.metrics) })
  surviveAbandonedDownloads(logger)
  for (const note of config.notes) logger.warn(note)
  const { client, connection } = await openTemporal(config)
  const worker = await createWorker({ config, connection, client, google })
  const health = healthServer(worker)
  await health.listen(config.health)
  const { deployment } = config.pipeline
  const observer =
    config.metrics && observeOpenRuns(client, deployment, Runtime.instance().metricMeter, logger)
  try {
    await worker.run()
  } finally {
    await observer?.stop()
    await health.close()
    await connection.close()
    await client.connection.close()
    await google.close()
  }
}

/** @throws TemporalUnusable with what the operator can do about it */
async function openTemporal({
  temporal,
  pipeline,
}: WorkerConfig): Promise<{ readonly client: Client; readonly connection: NativeConnection }> {
  try {
    const client = await connectTemporal(temporal)
    const connection = await NativeConnection.connect(temporalOptions(temporal))
    await ensure(reaperSchedule(client, pipeline, temporal.taskQueue))
    return { client, connection }
  } catch (error) {
    throw await explainTemporalFailure(temporal, error)
  }
}

try {
  await main()
} catch (error) {
  process.stderr.write(`${printable(error instanceof Error ? error.message : String(error))}\n`)
  // Not by exitCode: the SDK's native part, which hands on its log, would keep the process alive, deaf to signals.
  process.exit(1)
}
