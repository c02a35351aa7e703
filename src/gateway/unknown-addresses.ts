import type { FastifyInstance, preHandlerHookHandler } from 'fastify'
import { Problem } from './problem.ts'

/**
 * Answers 404 in the scope's own shape where it has no route; its hooks, such as authentication, come first, and then those
 * that are given.
 */
export function refuseUnknownAddresses(app: FastifyInstance, ...preHandler: preHandlerHookHandler[]): void {
  app.setNotFoundHandler({ preHandler }, () => {
    throw new Problem(404, 'There is nothing at this address. The API is described at /docs.')
  })
}
