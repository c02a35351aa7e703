import type { FastifyInstance } from 'fastify'

/**
 * Reads every body of the scope as JSON, whatever its Content-Type says: the original trigger sends none, and curl's -d
 * says that a form comes.
 */
export function readAnyBodyAsJson(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'string' }, parse)
}
