import { lazyTemporalClient } from '../clients.ts'
import { loadGatewayConfig } from '../config.ts'
import { ConfigurationError } from '../environment.ts'
import { explainTemporalFailure } from '../temporal-failure.ts'
import { buildApp } from './app.ts'
import { createMetrics } from './metrics.ts'
import { metricsServer } from './metrics-server.ts'

/** Longest that a shutdown waits for accepted requests, in milliseconds; less than the platforms' ten seconds. */
const SHUTDOWN_MS = 9_000

/** Runs the gateway until it is told to stop; accepted requests are answered first. */
async function main(): Promise<void> {
  const config = loadGatewayConfig()
  const temporal = lazyTemporalClient(config.temporal)
  const metrics = createMetrics()
  const app = await buildApp({ config, temporal, metrics })
  const scraped = metricsServer(metrics.registry)

  const stop = async (signal: string): Promise<void> => {
    app.log.info({ signal }, 'stopping')
    // A request that hangs must not keep the process: the platform would kill it anyhow.
    setTimeout(() => process.exit(1), SHUTDOWN_MS).unref()
    await app.close()
    await scraped.close()
    await temporal.connection.close()
    // The first look for Temporal, which only the log waits for, may still be under way.
    process.exit(0)
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => void stop(signal))
  }
  if (config.metrics) await scraped.listen(config.metrics)
  await app.listen({ host: config.host, port: config.port })
  // The gateway serves without Temporal, and says that it is not ready; what is wrong is for the log.
  temporal.connection.ensureConnected().catch(async (error: unknown) => {
    app.log.error((await explainTemporalFailure(config.temporal, error)).message)
  })
}

main().catch((error: unknown) => {
  // A fault of the configuration is the operator's to read; its stack says nothing.
  console.error(error instanceof ConfigurationError ? error.message : error)
  process.exit(1)
})
