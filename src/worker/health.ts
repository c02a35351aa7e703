import type { Worker } from '@temporalio/worker'
import { type FastifyInstance, fastify } from 'fastify'

/** Liveness (`/healthz`: the process answers) and readiness (`/readyz`: the worker polls its task queue). */
export function healthServer(worker: Worker): FastifyInstance {
  const app = fastify()
  app.get('/healthz', () => ({ status: 'ok' }))
  app.get('/readyz', (_request, reply) => {
    const state = worker.getState()
    return reply.code(state === 'RUNNING' ? 200 : 503).send({ state })
  })
  return app
}
