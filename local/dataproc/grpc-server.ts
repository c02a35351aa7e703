import type { AddressInfo } from 'node:net'
import { createServer, type Server as NetServer, type Socket } from 'node:net'
import {
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServiceDefinition,
  type sendUnaryData,
  status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js'
import type { CallCounts } from '../control/call-counts.ts'
import type { Entrance } from '../control/entrances.ts'
import type { Fault, FaultMoment, FaultTable, StruckCall } from '../control/faults.ts'
import { StatusError, statusCode } from './errors.ts'
import type { Quotas } from './quotas.ts'

/** A service and the functions behind its calls, by method name. */
export interface HostedService {
  readonly definition: ServiceDefinition<UntypedServiceImplementation>
  // Requests come from the definition's decoder, which fits each handler's message; TypeScript cannot see that.
  readonly handlers: Readonly<Record<string, (request: never) => unknown>>
}

/** What the server needs. */
export interface GrpcServerOptions {
  readonly services: readonly HostedService[]
  readonly faults: FaultTable
  readonly calls: CallCounts
  readonly quotas: Quotas
  readonly host: string
  readonly port: number
}

/** A running server. */
export interface GrpcServer {
  /** `host:port`, plain text. */
  readonly endpoint: string
  /** Opens another way in, on a port of its own. */
  openEntrance(via: string): Promise<Entrance>
  close(): Promise<void>
}

/** A connection, and the entrance that it came in through. */
interface Line {
  readonly socket: Socket
  readonly via: string | undefined
}

/**
 * Serves unary gRPC calls with fault injection. Connections are accepted by a socket server of our own and handed to gRPC,
 * so that a drop can destroy the very connection that a call came on.
 */
export async function startGrpcServer(options: GrpcServerOptions): Promise<GrpcServer> {
  const server = new Server()
  const lines = new Map<string, Line>()
  for (const { definition, handlers } of options.services) {
    const names = Object.keys(handlers)
    server.addService(
      definition,
      Object.fromEntries(names.map((name) => [name, unary(name, handlers, options, lines)])),
    )
  }
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure())
  const open = async (port: number, via?: string): Promise<Entrance> => {
    const listener = createServer((socket) => {
      const peer = `${socket.remoteAddress}:${socket.remotePort}`
      lines.set(peer, { socket, via })
      socket.on('close', () => lines.delete(peer))
      socket.on('error', () => socket.destroy())
      injector.injectConnection(socket)
    })
    const taken = await listen(listener, options.host, port)
    return {
      endpoint: `${options.host === '0.0.0.0' ? '127.0.0.1' : options.host}:${taken}`,
      async close() {
        const closed = new Promise((resolve) => listener.close(resolve))
        for (const line of lines.values()) if (line.via === via) line.socket.destroy()
        await closed
      },
    }
  }
  const { endpoint, close } = await open(options.port)
  return {
    endpoint,
    openEntrance: (via) => open(0, via),
    async close() {
      server.forceShutdown()
      await close()
    },
  }
}

type Reply = { readonly value: unknown } | { readonly error: StatusError }

function unary(
  name: string,
  handlers: HostedService['handlers'],
  { faults, calls, quotas }: GrpcServerOptions,
  lines: ReadonlyMap<string, Line>,
) {
  const handler = handlers[name] as (request: unknown) => unknown

  /** Strikes the call if a fault waits for it; true when the call is over. */
  async function strike(
    call: Call,
    struck: StruckCall,
    callback: sendUnaryData<unknown>,
    when: FaultMoment,
  ): Promise<boolean> {
    const fault = await faults.strike(struck, when)
    if (fault === undefined) return false
    if (fault.kind === 'drop') lines.get(call.getPeer())?.socket.destroy()
    else callback(injected(fault))
    return true
  }

  return async (call: Call, callback: sendUnaryData<unknown>) => {
    const struck = { name, subject: JSON.stringify(call.request), via: lines.get(call.getPeer())?.via }
    calls.count(struck)
    if (await strike(call, struck, callback, 'before')) return
    const reply = await answer(() => {
      quotas.use(name, scopeOf(call.request))
      return handler(call.request)
    })
    if ('error' in reply) return callback(reply.error)
    if (await strike(call, struck, callback, 'after')) return
    callback(null, reply.value)
  }
}

type Call = ServerUnaryCall<unknown, unknown>

async function answer(work: () => unknown): Promise<Reply> {
  try {
    return { value: await work() }
  } catch (error) {
    if (error instanceof StatusError) return { error }
    console.error(error)
    return { error: new StatusError(status.INTERNAL, 'Internal error encountered.') }
  }
}

function injected(fault: Fault): StatusError {
  const code = statusCode(fault.code, status.UNAVAILABLE)
  return new StatusError(code, fault.message ?? `Injected ${status[code]}.`)
}

/** Quotas count by project and region; operations carry both in their name. */
function scopeOf(request: unknown): string {
  const { projectId, region, name } = request as { projectId?: string; region?: string; name?: string }
  return projectId ? `projects/${projectId}/regions/${region}` : (name ?? '').split('/').slice(0, 4).join('/')
}

function listen(server: NetServer, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port))
  })
}
