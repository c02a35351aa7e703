import { mkdir, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import { CallCounts } from '../control/call-counts.ts'
import { startControlServer } from '../control/control-server.ts'
import { Entrances } from '../control/entrances.ts'
import { type Fault, FaultTable } from '../control/faults.ts'
import { type HttpEntrances, httpEntrances } from '../control/http-entrances.ts'
import { registerHttpFaults } from '../control/http-faults.ts'
import { controlRoutes } from './control-routes.ts'
import { Database } from './database.ts'
import { datasetRoutes } from './dataset-routes.ts'
import { errorBody, httpStatusOf, reasonOf } from './errors.ts'
import { sendError } from './http.ts'
import { jobRoutes } from './job-routes.ts'
import { JobRunner } from './job-runner.ts'
import type { JobContext } from './job-starter.ts'
import { JobStore } from './jobs.ts'
import { ObjectStore } from './object-store.ts'
import { permissionRoutes } from './permission-routes.ts'
import { addPublicData } from './public-data.ts'
import { queryRoutes } from './query-routes.ts'
import { defaultSettings, JobFaults } from './settings.ts'
import { tableRoutes } from './table-routes.ts'
import { tabledataRoutes } from './tabledata-routes.ts'
import { Warehouse } from './warehouse.ts'

/** Where the stand-in listens, reads and writes. */
export interface BigQueryOptions {
  /**
   * Base URL of Cloud Storage, for loads and extracts. On Google a job reads and writes with its caller's rights; here
   * callers are not told apart, so all jobs have the rights of whoever comes in there.
   */
  readonly storageEndpoint: string
  /** An existing folder; gets `bigquery/` with the database, which begins empty at every start. */
  readonly stateDir: string
  /** Default 127.0.0.1. */
  readonly host?: string
  /** Default 0: any free port. */
  readonly port?: number
  /** Default 0: any free port. */
  readonly controlPort?: number
}

/** A running stand-in for BigQuery. */
export interface BigQueryStandIn {
  /** Base URL without a trailing slash: `apiEndpoint` of the clients. */
  readonly endpoint: string
  /** See `controlRoutes`, and `startControlServer` for faults and counts. */
  readonly controlUrl: string
  close(): Promise<void>
}

/**
 * Starts a stand-in for BigQuery's REST API, version 2, on DuckDB: datasets, tables, rows, and jobs that load, query and
 * extract. Any project exists; credentials are not looked at, and who calls may do everything. `nyc-tlc:yellow.trips` holds the sample trips.
 *
 * Call names for faults and counts are those of the API's reference: `jobs.insert`, `jobs.get`, `jobs.list`, `jobs.cancel`,
 * `jobs.delete`, `jobs.query`, `jobs.getQueryResults`, `tabledata.list`, and insert, get, list, patch, update and delete of
 * `datasets` and `tables`, and `tables.testIamPermissions`. A fault's `match` is compared with the URL and, for a POST, with the body.
 * @see https://cloud.google.com/bigquery/docs/reference/rest
 */
export async function startBigQuery(options: BigQueryOptions): Promise<BigQueryStandIn> {
  const host = options.host ?? '127.0.0.1'
  const folder = join(options.stateDir, 'bigquery')
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  const database = await Database.open(join(folder, 'tables.duckdb'))
  const warehouse = new Warehouse(database)
  await addPublicData(warehouse, folder)
  const [settings, jobFaults, jobs] = [defaultSettings(), new JobFaults(), new JobStore()]
  const runner = new JobRunner(jobs, settings, jobFaults)
  const store = new ObjectStore(options.storageEndpoint)
  const faults = new FaultTable()
  const calls = new CallCounts()
  const doors = httpEntrances(host)
  const app = createApp({ warehouse, store, jobs, runner, settings, tempDir: folder }, faults, calls, doors)
  const entrances = new Entrances((via) => doors.open(app, via))
  await app.listen({ host, port: options.port ?? 0 })
  const { port } = app.server.address() as AddressInfo
  const routes = controlRoutes(settings, jobFaults)
  const control = await startControlServer({
    faults,
    calls,
    entrances,
    routes,
    host,
    port: options.controlPort ?? 0,
  })
  return {
    endpoint: `http://${host === '0.0.0.0' ? '127.0.0.1' : host}:${port}`,
    controlUrl: control.url,
    async close() {
      await Promise.all([app.close(), entrances.close(), control.close()])
      await runner.stop()
      database.close()
    },
  }
}

/** The limit of jobs.insert's body is 10 MB: https://cloud.google.com/bigquery/quotas#jobs */
const BODY_LIMIT = 10 * 1024 * 1024

function createApp(
  context: JobContext,
  faults: FaultTable,
  calls: CallCounts,
  doors: HttpEntrances,
): FastifyInstance {
  const app = Fastify({
    forceCloseConnections: true,
    bodyLimit: BODY_LIMIT,
    routerOptions: { maxParamLength: 2048 },
    // What a schema does not name is kept: clients get their configuration back as they sent it.
    ajv: { customOptions: { removeAdditional: false, coerceTypes: 'array' } },
  })
  app.setErrorHandler(sendError)
  app.setNotFoundHandler((request, reply) =>
    reply.code(404).send(
      errorBody(404, {
        reason: 'notFound',
        message: `The local BigQuery has no ${request.method} ${request.url.split('?')[0]}.`,
      }),
    ),
  )
  registerHttpFaults(app, {
    faults,
    calls,
    nameOf: (request) => request.routeOptions.config.call,
    subjectOf,
    viaOf: doors.viaOf,
    errorBody: faultReply,
  })
  // Clients that are told of an emulator leave the prefix out.
  for (const prefix of ['/bigquery/v2', '/']) app.register(routes(context), { prefix })
  return app
}

function routes(context: JobContext) {
  return async (app: FastifyInstance): Promise<void> => {
    datasetRoutes(app, context.warehouse)
    tableRoutes(app, context.warehouse)
    permissionRoutes(app, context.warehouse, context.settings)
    tabledataRoutes(app, context.warehouse)
    jobRoutes(app, context)
    queryRoutes(app, context)
  }
}

function subjectOf(request: FastifyRequest): string {
  const body = request.body === undefined || request.body === null ? '' : JSON.stringify(request.body)
  return `${decodeURIComponent(request.url)} ${body}`
}

/** A fault's `code` is an HTTP status, its `reason` one of BigQuery's; either gives the other. Default: `backendError`. */
function faultReply({ code, reason, message }: Fault) {
  const status = typeof code === 'number' ? code : httpStatusOf(reason ?? 'backendError')
  const error = { reason: reason ?? reasonOf(status), message: message ?? 'Fault on demand.' }
  return { status, body: errorBody(status, error) }
}
