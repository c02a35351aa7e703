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

// A JSON Web Token begins with the base64 of `{"`; some callers put theirs where it does not belong.
const TOKEN = /eyJ[\w.-]*/g

/** As much of a URL's path as a log needs. */
function pathOf(url: string): string {
  const [path = ''] = url.split('?')
  return path.replace(TOKEN, '[removed]').slice(0, 300)
}

/** Writes one line a request when it is answered: who asked for what, the answer's status, and the time it took. */
export function logReplies(app: FastifyInstance): void {
  app.addHook('onResponse', async (request, reply) => {
    const line = {
      method: request.method,
      path: pathOf(request.url),
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
