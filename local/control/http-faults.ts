import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { CallCounts } from './call-counts.ts'
import type { Fault, FaultMoment, FaultTable } from './faults.ts'

/** How an HTTP stand-in names its calls and words its errors. */
export interface HttpFaultOptions {
  readonly faults: FaultTable
  readonly calls: CallCounts
  /** Name of the call, such as `jobs.insert`; undefined leaves the request uncounted and unharmed. */
  readonly nameOf: (request: FastifyRequest) => string | undefined
  /** What `match` of a fault is compared with; default: the request's URL, decoded. */
  readonly subjectOf?: (request: FastifyRequest) => string
  /** The entrance that a request came in through. */
  readonly viaOf?: (request: FastifyRequest) => string | undefined
  /** Status, headers and body of an injected error, in the API's own shape. */
  readonly errorBody: (fault: Fault, request: FastifyRequest) => HttpErrorReply
}

/** A whole error reply. */
export interface HttpErrorReply {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON unless it is a string. */
  readonly body: unknown
}

/**
 * Counts calls and injects faults into a Fastify app. `before` strikes once the request is read and before its handler
 * runs; `after` strikes when the handler has answered without an error, so the effect is committed and only the answer is
 * replaced or lost. A drop destroys the socket, which the client sees as a connection reset.
 *
 * Call it before the routes are added. Handlers that hijack their reply get `before` faults only.
 */
export function registerHttpFaults(app: FastifyInstance, options: HttpFaultOptions): void {
  const struck = new WeakSet<FastifyRequest>()

  async function strike(request: FastifyRequest, when: FaultMoment): Promise<Fault | undefined> {
    const name = options.nameOf(request)
    if (name === undefined) return undefined
    const subject = options.subjectOf?.(request) ?? decode(request.url)
    const call = { name, subject, via: options.viaOf?.(request) }
    if (when === 'before') options.calls.count(call)
    return options.faults.strike(call, when)
  }

  app.addHook('preHandler', async (request, reply) => {
    const fault = await strike(request, 'before')
    if (fault === undefined) return
    struck.add(request)
    if (fault.kind === 'drop') return drop(request, reply)
    const error = options.errorBody(fault, request)
    await reply
      .code(error.status)
      .headers({ 'content-type': 'application/json; charset=utf-8', ...error.headers })
      .send(typeof error.body === 'string' ? error.body : JSON.stringify(error.body))
  })

  app.addHook('onSend', async (request, reply, payload) => {
    // A refusal has no effect that could be lost; an `after` fault keeps waiting for one that has.
    if (struck.has(request) || reply.statusCode >= 400) return payload
    const fault = await strike(request, 'after')
    if (fault === undefined) return payload
    struck.add(request)
    discard(payload)
    if (fault.kind === 'drop') {
      request.raw.socket.destroy()
      return null
    }
    const error = options.errorBody(fault, request)
    // The handler's own headers (length, range, location) describe an answer that is not sent.
    for (const header of Object.keys(reply.getHeaders())) reply.removeHeader(header)
    reply.code(error.status).headers({ 'content-type': 'application/json; charset=utf-8', ...error.headers })
    return typeof error.body === 'string' ? error.body : JSON.stringify(error.body)
  })
}

function drop(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  reply.hijack()
  request.raw.socket.destroy()
  return reply
}

/** Ends a streamed answer that nobody will read, or its source would wait for ever. */
function discard(payload: unknown): void {
  if (payload !== null && typeof payload === 'object' && 'destroy' in payload) {
    const { destroy } = payload
    if (typeof destroy === 'function') destroy.call(payload)
  }
}

function decode(url: string): string {
  try {
    return decodeURIComponent(url)
  } catch {
    return url
  }
}
