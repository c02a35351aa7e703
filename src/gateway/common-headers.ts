import type { FastifyRequest } from 'fastify'

/**
 * Headers of every answer. What is told of a run is its caller's alone, and what is told of the gateway holds for the
 * moment, so nothing is kept on the way.
 */
export function headersOf(request: FastifyRequest) {
  return { 'x-request-id': request.id, 'cache-control': 'no-store' }
}
