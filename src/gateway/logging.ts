import type { FastifyInstance } from 'fastify'
import type { LoggerOptions } from 'pino'

/** Options of the gateway's log: JSON lines, without anything that proves an identity. */
export function loggerOptions(level: string): LoggerOptions {
  return {
    level,
    redact: {
      paths: ['authorization', '["x-goog-iap-jwt-assertion"]', 'cookie'].flatMap((name) =>
        ['headers', 'req.headers', 'request.headers', 'err.config.headers'].map((place) =>
          name.startsWith('[') ? `${place}${name}` : `${place}.${name}`,
        ),
      ),
      censor: '[removed]',
    },
    // The URL may carry anything in its query; the route and the path say enough.
    serializers: { req: (request: { method: string }) => ({ method: request.method }) },
  }
}

/** Writes one line a request when it is answered: who asked for what, the answer's status, and the time it took. */
export function logReplies(app: FastifyInstance): void {
  app.addHook('onResponse', async (request, reply) => {
    const line = {
      method: request.method,
      path: request.url.split('?')[0]?.slice(0, 300),
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime),
      caller: request.caller?.email,
      address: request.ip,
    }
    if (request.routeOptions.url === '/healthz' || request.routeOptions.url === '/readyz') {
      request.log.debug(line, 'answered')
    } else {
      request.log.info(line, 'answered')
    }
  })
}
