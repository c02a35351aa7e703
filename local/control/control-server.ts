import type { AddressInfo } from 'node:net'
import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify'
import { type Static, Type } from 'typebox'
import type { CallCounts } from './call-counts.ts'
import type { Entrances } from './entrances.ts'
import type { FaultSpec, FaultTable } from './faults.ts'

/** What a stand-in hands to its control endpoint. */
export interface ControlOptions {
  readonly faults: FaultTable
  readonly calls: CallCounts
  /** Other ways into the stand-in; default: there are none. */
  readonly entrances?: Entrances
  /** Throws an Error when a fault cannot be injected, such as for a code that the protocol does not have. */
  readonly checkFault?: (fault: FaultSpec) => void
  /** Adds the stand-in's own routes. */
  readonly routes?: (app: FastifyInstance) => void | Promise<void>
  /** Default 127.0.0.1. */
  readonly host?: string
  /** Default 0: any free port. */
  readonly port?: number
}

/** A running control endpoint. */
export interface ControlServer {
  /** Base URL without a trailing slash. */
  readonly url: string
  close(): Promise<void>
}

const FaultBody = Type.Object(
  {
    on: Type.String({ minLength: 1 }),
    match: Type.Optional(Type.String()),
    via: Type.Optional(Type.String()),
    skip: Type.Optional(Type.Integer({ minimum: 0 })),
    every: Type.Optional(Type.Integer({ minimum: 1 })),
    times: Type.Optional(Type.Integer({ minimum: 1 })),
    when: Type.Optional(Type.Union([Type.Literal('before'), Type.Literal('after')])),
    kind: Type.Enum(['error', 'drop', 'latency', 'hold']),
    code: Type.Optional(Type.Union([Type.Integer(), Type.String()])),
    reason: Type.Optional(Type.String()),
    message: Type.Optional(Type.String()),
    latencyMs: Type.Optional(Type.Number({ minimum: 0 })),
  },
  { additionalProperties: false },
)

const EntranceBody = Type.Object(
  { name: Type.String({ minLength: 1 }), account: Type.Optional(Type.String()) },
  { additionalProperties: false },
)
const ReleaseBody = Type.Object({ end: Type.Enum(['go', 'drop']) }, { additionalProperties: false })
const HeldQuery = Type.Object({ waitMs: Type.Integer({ minimum: 0, maximum: 60_000 }) })

/**
 * Serves a stand-in's control endpoint: plain JSON over HTTP on a port of its own, so that it shadows no official route.
 *
 * - `POST /faults` (see {@link FaultSpec}) answers `{id}`; `GET /faults` lists them with `hits`; `GET /faults/landed` is
 *   the log of strikes; `DELETE /faults` and `DELETE /faults/:id` remove them.
 * - `GET /faults/:id/held?waitMs=…` answers `{held}` once a `hold` has its call, or when the time is over;
 *   `POST /faults/:id/release` `{end: 'go' | 'drop'}` ends it.
 * - `GET /calls` answers counts by call name; `GET /calls/log?via=…` the calls one by one; `DELETE /calls` starts again.
 * - `POST /entrances` `{name, account?}` opens another way into the stand-in and answers its `{endpoint}`: whoever comes in
 *   that way is struck by faults `via` that name, and by no other's, and where the stand-in knows accounts it is that one.
 */
export async function startControlServer(options: ControlOptions): Promise<ControlServer> {
  // A misspelt key in a fault would otherwise be dropped without a word, and the test would prove nothing.
  const app = Fastify({ forceCloseConnections: true, ajv: { customOptions: { removeAdditional: false } } })
  app.post<{ Body: Static<typeof FaultBody> }>(
    '/faults',
    { schema: { body: FaultBody } },
    ({ body }, reply) => {
      try {
        options.checkFault?.(body)
      } catch (error) {
        return refuse(reply, error)
      }
      return { id: options.faults.add(body).id }
    },
  )
  app.get('/faults', () => options.faults.list())
  app.get('/faults/landed', () => options.faults.landed())
  app.delete('/faults', async (_request, reply) => {
    options.faults.clear()
    return reply.code(204).send()
  })
  app.delete<{ Params: { id: string } }>('/faults/:id', async (request, reply) => {
    options.faults.clear(request.params.id)
    return reply.code(204).send()
  })
  holdRoutes(app, options.faults)
  app.post<{ Body: Static<typeof EntranceBody> }>(
    '/entrances',
    { schema: { body: EntranceBody } },
    async ({ body: { name, account } }, reply) => {
      if (options.entrances === undefined) return reply.code(404).send({ error: 'No other entrances here.' })
      try {
        return { endpoint: await options.entrances.open(name, { account }) }
      } catch (error) {
        return refuse(reply, error)
      }
    },
  )
  app.get<{ Querystring: { via?: string } }>('/calls/log', ({ query }) => options.calls.log(query.via))
  app.get('/calls', () => options.calls.snapshot())
  app.delete('/calls', async (_request, reply) => {
    options.calls.clear()
    return reply.code(204).send()
  })
  await options.routes?.(app)
  const host = options.host ?? '127.0.0.1'
  await app.listen({ host, port: options.port ?? 0 })
  const { port } = app.server.address() as AddressInfo
  return { url: `http://${host === '0.0.0.0' ? '127.0.0.1' : host}:${port}`, close: () => app.close() }
}

function refuse(reply: FastifyReply, error: unknown): FastifyReply {
  return reply.code(400).send({ error: error instanceof Error ? error.message : String(error) })
}

function holdRoutes(app: FastifyInstance, faults: FaultTable): void {
  app.get<{ Params: { id: string }; Querystring: Static<typeof HeldQuery> }>(
    '/faults/:id/held',
    { schema: { querystring: HeldQuery } },
    async ({ params, query }) => ({ held: await faults.isHeld(params.id, query.waitMs) }),
  )
  app.post<{ Params: { id: string }; Body: Static<typeof ReleaseBody> }>(
    '/faults/:id/release',
    { schema: { body: ReleaseBody } },
    ({ params, body }, reply) => {
      faults.release(params.id, body.end)
      return reply.code(204).send()
    },
  )
}
