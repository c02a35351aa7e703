import type { FastifyInstance } from 'fastify'
import { Counter, Histogram, Registry } from 'prom-client'
import type { Runs } from './runs/runs.ts'

/** What the gateway counts; names and units after https://prometheus.io/docs/practices/naming/ */
export interface GatewayMetrics {
  readonly registry: Registry
  /** Seconds from a request's head to the end of its answer, by method, route and status. */
  readonly requests: Histogram<'method' | 'route' | 'status'>
  /** Requests for a run: `started`, `existing` when the run was there already, or `retried`. */
  readonly starts: Counter<'outcome'>
  /** Requests that did not prove an identity (401), whose caller is not on the list (403), or of which there were too many (429). */
  readonly rejected: Counter<'status'>
}

/** Stands for an address that no route has. */
export const UNKNOWN_ROUTE = 'unknown'

const REJECTED: readonly string[] = ['401', '403', '429']

// Most answers take milliseconds; Airflow 3's wait takes as long as a run.
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600, 3600]

/** Makes the gateway's metrics, all zero. */
export function createMetrics(): GatewayMetrics {
  const registry = new Registry()
  const registers = [registry]
  const starts = new Counter({
    name: 'average_speed_gateway_starts_total',
    help: 'Requests for a run, by whether it was started, was there already, or was retried',
    labelNames: ['outcome'],
    registers,
  })
  const rejected = new Counter({
    name: 'average_speed_gateway_rejected_authentications_total',
    help: 'Requests whose caller was not accepted, by status',
    labelNames: ['status'],
    registers,
  })
  // From zero on, so that a rate sees the first one.
  for (const outcome of ['started', 'existing', 'retried']) starts.inc({ outcome }, 0)
  for (const status of REJECTED) rejected.inc({ status }, 0)
  return {
    registry,
    requests: new Histogram({
      name: 'average_speed_gateway_request_seconds',
      help: 'Time to answer a request, by method, route and status',
      labelNames: ['method', 'route', 'status'],
      buckets: SECONDS,
      registers,
    }),
    starts,
    rejected,
  }
}

/** Counts every answer, by the route's template: an address may hold anything, and each would be a series of its own. */
export function countReplies(app: FastifyInstance, { requests, rejected }: GatewayMetrics): void {
  app.addHook('onResponse', async ({ method, routeOptions, caller }, reply) => {
    const status = String(reply.statusCode)
    requests.observe({ method, route: routeOptions.url ?? UNKNOWN_ROUTE, status }, reply.elapsedTime / 1000)
    // A known caller gets a 403 for a bucket that is not allowed.
    if (caller === undefined && REJECTED.includes(status)) rejected.inc({ status })
  })
}

/** The same runs; their starts are counted. */
export function countStarts(runs: Runs, { starts }: GatewayMetrics): Runs {
  return {
    ...runs,
    async start(caller, wish) {
      const started = await runs.start(caller, wish)
      starts.inc({ outcome: started.created ? 'started' : 'existing' })
      return started
    },
    async retry(caller, runId) {
      const run = await runs.retry(caller, runId)
      starts.inc({ outcome: 'retried' })
      return run
    },
  }
}
