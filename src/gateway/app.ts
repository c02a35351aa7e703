import { randomUUID } from 'node:crypto'
import helmet from '@fastify/helmet'
import rateLimit, { type RateLimitOptions } from '@fastify/rate-limit'
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
import { authentication, callerOf } from './authentication/plugin.ts'
import { documentation } from './documentation.ts'
import { errorHandler, writeProblem } from './error-handler.ts'
import { loggerOptions, logReplies, nameRunInLog } from './logging.ts'
import { countReplies, countStarts, createMetrics, type GatewayMetrics } from './metrics.ts'
import { refuseOtherMethods } from './other-methods.ts'
import { Problem, unavailable } from './problem.ts'
import { healthRoutes } from './routes/health.ts'
import { runActionRoutes } from './routes/run-actions.ts'
import { runListRoutes } from './routes/run-list.ts'
import { runRoutes } from './routes/runs.ts'
import { readinessCheck } from './runs/readiness.ts'
import { createRuns } from './runs/runs.ts'
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
  /** How late the event loop may be, in milliseconds, before requests are refused; 0: as late as it likes. */
  readonly maxLoopDelayMs?: number
}

// A trigger's body is a few hundred bytes; these limits leave room and keep a slow or hostile sender from holding a
// connection.
const LIMITS = {
  bodyLimit: 64 * 1024,
  requestTimeout: 15_000,
  connectionTimeout: 30_000,
  keepAliveTimeout: 72_000,
  http: { maxHeaderSize: 16 * 1024, headersTimeout: 10_000 },
  routerOptions: { maxParamLength: 500 },
} as const

// Cloud Run ends every request after an hour at most; a wait that ends by itself ends well.
const WAIT_LIMIT_MS = 50 * 60_000

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
  maxLoopDelayMs = MAX_LOOP_DELAY_MS,
}: AppOptions) {
  const app = fastify({
    ...LIMITS,
    logger: { ...loggerOptions(config.logLevel), ...(logStream && { stream: logStream }) },
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => randomUUID(),
    forceCloseConnections: 'idle',
  }).withTypeProvider<TypeBoxTypeProvider>()
  app.setValidatorCompiler(validatorCompiler)
  app.setErrorHandler(errorHandler(writeProblem))
  refuseUnknownAddresses(app)

  await app.register(helmet)
  await app.register(underPressure, { maxEventLoopDelay: maxLoopDelayMs, pressureHandler: refuseWhenBusy })
  await app.register(rateLimit, { global: false })
  await app.register(documentation, { mode: config.authentication.mode })

  app.decorateRequest('caller', undefined)
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id)
  })
  nameRunInLog(app)
  logReplies(app)
  countReplies(app, metrics)

  const runs = countStarts(createRuns(temporal, config), metrics)
  const checkReady = readinessCheck(temporal)
  await app.register(healthRoutes, { checkReady })
  await app.register(openAirflowRoutes, { checkReady })
  await app.register(async (secured) => {
    await secured.register(authentication, {
      authentication: config.authentication,
      ...(keySetTimes && { keySetTimes }),
    })
    secured.addHook('onRequest', app.rateLimit(limitPerCaller(config.requestsPerMinute)))
    await secured.register(async (native) => {
      const done = refuseOtherMethods(native)
      for (const routes of [runRoutes, runListRoutes, runActionRoutes])
        await native.register(routes, { runs })
      done()
    })
    await secured.register(experimentalRoutes, { runs, prefix: '/api/experimental' })
    await secured.register(stableRoutes, { runs, dialect: v1Dialect, prefix: '/api/v1' })
    await secured.register(stableRoutes, { runs, dialect: v2Dialect, prefix: '/api/v2' })
    await secured.register(waitRoute, { runs, limitMs: waitLimitMs, prefix: '/api/v2' })
  })
  return app
}

function refuseWhenBusy(_request: unknown, _reply: unknown, _type: string, delay: number | undefined): void {
  // Infinity is the plugin's word for 'not measured yet', which is so while the process starts.
  if (delay === Number.POSITIVE_INFINITY) return
  throw unavailable('The gateway is overloaded. Try again shortly.', 5)
}

function limitPerCaller(max: number): RateLimitOptions {
  return {
    max,
    timeWindow: '1 minute',
    keyGenerator: (request) => callerOf(request).email,
    errorResponseBuilder: (_request, { ttl }) =>
      new Problem(
        429,
        `Too many requests: at most ${max} a minute. Try again in ${Math.ceil(ttl / 1000)} s.`,
      ),
  }
}
