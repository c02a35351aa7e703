import { type FastifyInstance, fastify } from 'fastify'
import { collectDefaultMetrics, type Registry } from 'prom-client'
import { boundConnections } from './connections.ts'
import { MAX_SCRAPERS, serverOptions } from './server-limits.ts'

/**
 * Serves metrics, and those of the process, at `/metrics`: on a port of its own, so that what faces the public has no such
 * address.
 */
export function metricsServer(registry: Registry): FastifyInstance {
  collectDefaultMetrics({ register: registry })
  const app = fastify(serverOptions())
  boundConnections(app.server, MAX_SCRAPERS)
  app.get('/metrics', async (_request, reply) =>
    reply.type(registry.contentType).send(await registry.metrics()),
  )
  return app
}
