import type { FastifyInstance } from 'fastify'
import { Problem } from './problem.ts'

/**
 * Answers 405 with Allow (RFC 9110, section 15.5.6) where a path of the scope is known but not with that method. Call it
 * before the routes of the scope are made, and what it returns when they all are.
 */
export function refuseOtherMethods(app: FastifyInstance): () => void {
  const known = new Map<string, Set<string>>()
  app.addHook('onRoute', ({ routePath, method }) => {
    const methods = known.get(routePath) ?? new Set()
    for (const name of [method].flat()) methods.add(name)
    known.set(routePath, methods)
  })
  return () => {
    for (const [url, methods] of [...known]) {
      const allow = [...methods].sort().join(', ')
      app.route({
        url,
        method: app.supportedMethods.filter((method) => !methods.has(method)),
        schema: { hide: true },
        // Before the body is looked at: whether it can be read is of no matter.
        onRequest: async (request) => {
          throw new Problem(405, `${request.method} is not possible here; possible are ${allow}.`, {
            headers: { allow },
          })
        },
        handler: () => undefined,
      })
    }
  }
}
