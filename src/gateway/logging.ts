import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type LoggerOptions, stdTimeFunctions } from 'pino'
import { workflowIdOf } from '../../workflows/contract.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** True once the request's log lines name their run. */
    namesRun: boolean
  }
}

/** Options of the gateway's log: JSON lines, without anything that proves an identity. */
export function loggerOptions(level: string): LoggerOptions {
  return {
    level,
    base: { service: 'gateway' },
    timestamp: stdTimeFunctions.isoTime,
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

/**
 * Gives every line about a run the field `workflowId`, as Temporal's lines in the worker's log have it. The id is in the
 * address, or in the body; one that the gateway made up is in the answer.
 */
export function nameRunInLog(app: FastifyInstance): void {
  app.decorateRequest('namesRun', false)
  app.addHook('preHandler', async (request) => {
    name(request, runIdIn(request.params) ?? runIdIn(request.body))
  })
  app.addHook('preSerialization', async (request, _reply, payload) => {
    if (request.method === 'POST') name(request, runIdIn(payload))
    return payload
  })
}

function name(request: FastifyRequest, runId: string | undefined): void {
  if (runId === undefined || request.namesRun) return
  request.namesRun = true
  request.log = request.log.child({
    workflowId: workflowIdOf(runId.replace(TOKEN, '[removed]').slice(0, 300)),
  })
}

function runIdIn(value: unknown): string | undefined {
  const { run_id: native, dag_run_id: airflow } = (value ?? {}) as Readonly<Record<string, unknown>>
  const id = native ?? airflow
  return typeof id === 'string' ? id : undefined
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
