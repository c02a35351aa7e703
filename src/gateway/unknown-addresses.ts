import type { FastifyInstance } from 'fastify'
import { Problem } from './problem.ts'

/** Answers 404 in the scope's own shape where it has no route; its hooks, such as authentication, come first. */
export function refuseUnknownAddresses(app: FastifyInstance): void {
  app.setNotFoundHandler(() => {
    throw new Problem(404, 'There is nothing at this address. The API is described at /docs.')
  })
}
