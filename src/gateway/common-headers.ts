import type { FastifyRequest } from 'fastify'

/**
 * Headers of every answer. What is told of a run is its caller's alone, and what is told of the gateway holds for the
 * moment, so nothing is kept on the way. There is no other protocol to upgrade to: who asks for one is answered in this
 * one, and has no further use for the connection.
 */
export function headersOf(request: FastifyRequest) {
  return {
    'x-request-id': request.id,
    'cache-control': 'no-store',
    ...(request.headers.upgrade !== undefined && { connection: 'close' }),
  }
}
