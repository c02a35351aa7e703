import type { Server, Socket } from 'node:net'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { whenGone } from './when-gone.ts'

/** Keeps a connection open, however many others come, until a request on it is answered. */
export type Hold = (request: FastifyRequest, reply: FastifyReply) => void

/** Of so many connections one is kept free for whoever comes next. */
const ONE_FREE_IN = 10

/**
 * Bounds a server's connections so that nobody can hold them all: when few are left, each new one closes the one that has
 * lain longest without a new request, whatever it waits for, unless that is held. Beyond the maximum, which may be
 * changed on the server, a connection is closed at once.
 */
export function boundConnections(server: Server, maximum: number): Hold {
  server.maxConnections = maximum
  // In the order of their last requests, each with the number of those for which it is held.
  const open = new Map<Socket, number>()
  server.on('connection', (socket: Socket) => {
    if (open.size + 1 > server.maxConnections - Math.ceil(server.maxConnections / ONE_FREE_IN)) {
      closeOldest(open)
    }
    open.set(socket, 0)
    socket.once('close', () => open.delete(socket))
  })
  server.on('request', ({ socket }: { readonly socket: Socket }) => {
    const held = open.get(socket)
    if (held === undefined) return
    open.delete(socket)
    open.set(socket, held)
  })
  return (request, reply) => {
    const { socket } = request.raw
    const add = (change: number): void => {
      const held = open.get(socket)
      if (held !== undefined) open.set(socket, held + change)
    }
    add(1)
    whenGone(request, reply, () => add(-1))
  }
}

function closeOldest(open: Map<Socket, number>): void {
  for (const [socket, held] of open) {
    if (held > 0) continue
    open.delete(socket)
    socket.destroy()
    return
  }
}
