import { randomUUID } from 'node:crypto'
import helmet from '@fastify/helmet'
import rateLimit from '@fastify/rate-limit'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import underPressure from '@fastify/under-pressure'
import type { Client } from '@temporalio/client'
import fastify, { LogController } from 'fastify'
import type { GatewayConfig } from '../config.ts'
import { experimentalRoutes } from './airflow/experimental-routes.ts'
import { openAirflowRoutes } from './airflow/open-routes.ts'
import { stableRoutes } from './airflow/stable-routes.ts'
import { v1Dialect } from './airflow/v1-dialect.ts'
import { v2Dialect } from './airflow/v2-dialect.ts'
import { waitRoute } from './airflow/v2-wait.ts'
import type { KeySetTimes } from './authentication/key-set.ts'
import { authentication } from './authentication/plugin.ts'
import { refuseBadUrl } from './bad-url.ts'
import { headersOf } from './common-headers.ts'
import { boundConnections } from './connections.ts'
import { description, documentationPages } from './documentation.ts'
import { errorHandler, writeProblem } from './error-handler.ts'
import { loggerOptions, logReplies, nameRunInLog } from './logging.ts'
import { countReplies, countStarts, createMetrics, type GatewayMetrics } from './metrics.ts'
import { refuseOtherMethods } from './other-methods.ts'
import { createPlaces, type PlaceLimits } from './places.ts'
import { limitPerAddress, limitPerCaller, refuseWhenBusy } from './rate-limits.ts'
import { healthRoutes } from './routes/health.ts'
import { runActionRoutes } from './routes/run-actions.ts'
import { runListRoutes } from './routes/run-list.ts'
import { runRoutes } from './routes/runs.ts'
import { readinessCheck } from './runs/readiness.ts'
import { createRuns } from './runs/runs.ts'
import { CONNECTION_TIMES, type ConnectionTimes, MAX_CONNECTIONS, serverOptions } from './server-limits.ts'
import { refuseUnknownAddresses } from './unknown-addresses.ts'
import { validatorCompiler } from './validation.ts'

/** What an app is made of. */
export interface AppOptions {
  readonly config: GatewayConfig
  readonly temporal: Client
  /** Where the log's JSON lines go; default: stdout. */
  readonly logStream?: NodeJS.WritableStream
  /** What is counted; default: counted where nobody reads it. */
  readonly metrics?: GatewayMetrics
  readonly keySetTimes?: KeySetTimes
  /** Longest that Airflow 3's wait holds a connection, in milliseconds; default: 50 minutes. */
  readonly waitLimitMs?: number
  /** How many may wait at once. */
  readonly waitPlaces?: PlaceLimits
  readonly connectionTimes?: ConnectionTimes
  /** How late the event loop may be, in milliseconds, before requests are refused; 0: as late as it likes. */
  readonly maxLoopDelayMs?: number
}

// A trigger's body is a few hundred bytes; these limits leave room.
const LIMITS = { bodyLimit: 64 * 1024, routerOptions: { maxParamLength: 500 } } as const

// Cloud Run ends every request after an hour at most; a wait that ends by itself ends well.
const WAIT_LIMIT_MS = 50 * 60_000

// A wait holds a connection for as long as a run lasts, so all of them together leave most connections to others.
const WAIT_PLACES: PlaceLimits = { perCaller: 10, inAll: 200 }

// A list may cost Temporal twenty pages.
const LIST_PLACES: PlaceLimits = { perCaller: 10, inAll: 50 }

// A trigger's answer takes milliseconds of our own time; a loop that is two seconds late is lost in work.
const MAX_LOOP_DELAY_MS = 2_000

/** Builds the gateway's HTTP application; it does not listen. */
export async function buildApp({
  config,
  temporal,
  logStream,
  metrics = createMetrics(),
  keySetTimes,
  waitLimitMs = WAIT_LIMIT_MS,
  waitPlaces = WAIT_PLACES,
  connectionTimes = CONNECTION_TIMES,
  maxLoopDelayMs = MAX_LOOP_DELAY_MS,
}: AppOptions) {
  const app = fastify({
    ...LIMITS,
    ...serverOptions(connectionTimes),
    logger: { ...loggerOptions(config.logLevel), ...(logStream && { stream: logStream }) },
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => randomUUID(),
    frameworkErrors: refuseBadUrl,
    forceCloseConnections: 'idle',
  }).withTypeProvider<TypeBoxTypeProvider>()
  const hold = boundConnections(app.server, MAX_CONNECTIONS)
  app.setValidatorCompiler(validatorCompiler)
  app.setErrorHandler(errorHandler(writeProblem))

  await app.register(helmet)
  await app.register(underPressure, { maxEventLoopDelay: maxLoopDelayMs, pressureHandler: refuseWhenBusy })
  await app.register(rateLimit, { global: false })

  app.decorateRequest('caller', undefined)
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(headersOf(request))
  })
  nameRunInLog(app)
  logReplies(app)
  countReplies(app, metrics)

  const perAddress = app.rateLimit(limitPerAddress(config.requestsPerMinute))
  refuseUnknownAddresses(app, perAddress)
  await app.register(description, { mode: config.authentication.mode })
  await app.register(async (open) => {
    open.addHook('onRequest', perAddress)
    await open.register(documentationPages)
  })

  const runs = countStarts(createRuns(temporal, config), metrics)
  const checkReady = readinessCheck(temporal)
  const lists = createPlaces('lists', LIST_PLACES)
  await app.register(healthRoutes, { checkReady })
  await app.register(openAirflowRoutes, { checkReady })
  await app.register(async (secured) => {
    await secured.register(authentication, {
      authentication: config.authentication,
      refusalsPerMinute: config.refusalsPerMinute,
      ...(keySetTimes && { keySetTimes }),
    })
    secured.addHook('onRequest', app.rateLimit(limitPerCaller(config.requestsPerMinute)))
    secured.addHook('onRequest', async (request, reply) => hold(request, reply))
    await secured.register(async (native) => {
      const done = refuseOtherMethods(native)
      for (const routes of [runRoutes, runListRoutes, runActionRoutes])
        await native.register(routes, { runs, lists })
      done()
    })
    await secured.register(experimentalRoutes, { runs, lists, prefix: '/api/experimental' })
    await secured.register(stableRoutes, { runs, lists, dialect: v1Dialect, prefix: '/api/v1' })
    await secured.register(stableRoutes, { runs, lists, dialect: v2Dialect, prefix: '/api/v2' })
    const places = createPlaces('waits', waitPlaces)
    await secured.register(waitRoute, { runs, places, limitMs: waitLimitMs, prefix: '/api/v2' })
  })
  return app
}
