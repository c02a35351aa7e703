import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type LoggerOptions, stdSerializers, stdTimeFunctions } from 'pino'
import { workflowIdOf } from '../../workflows/contract.ts'
import { UNKNOWN_ROUTE } from './metrics.ts'

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
    serializers: {
      // The URL may carry anything; the route says enough.
      req: (request: { method: string }) => ({ method: request.method }),
      // Of a request that Node could not read the error has every byte.
      err: (error: Error) => ({ ...stdSerializers.err(error), rawPacket: undefined }),
    },
  }
}

// A token may pass for a run id, and some callers put theirs where that belongs. It begins with the base64 of a JSON object,
// whose brace is followed by a quotation mark or a blank; otherwise its three parts give it away.
const TOKEN = /e(?:y[A-DI-L]|w[k-r0-3][\w-]{20})[\w.-]*|[\w-]{16,}\.[\w-]{16,}\.[\w-]*/g

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

/**
 * Writes one line a request when it is answered: who asked for what, the answer's status, and the time it took. An address
 * may hold anything, in any disguise, so the line has the route's template, and the run's id once that is checked.
 */
export function logReplies(app: FastifyInstance): void {
  app.addHook('onResponse', async (request, reply) => {
    const line = {
      method: request.method,
      route: request.routeOptions.url ?? UNKNOWN_ROUTE,
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
