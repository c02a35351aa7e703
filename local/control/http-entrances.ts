import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Entrance } from './entrances.ts'

/** More ports that lead to one Fastify app. */
export interface HttpEntrances {
  /** Opens one on a free port. */
  open(app: FastifyInstance, via: string): Promise<Entrance>
  /** The entrance that a request came in through; nothing for the app's own port. */
  viaOf(request: FastifyRequest): string | undefined
}

/** No entrances yet. @param host address to listen on */
export function httpEntrances(host: string): HttpEntrances {
  const names = new Map<number, string>()
  return {
    async open(app, via) {
      const server = createServer((request, response) => app.routing(request, response))
      server.keepAliveTimeout = 600_000
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject)
        server.listen(0, host, resolve)
      })
      const { port } = server.address() as AddressInfo
      names.set(port, via)
      return {
        endpoint: `http://${host === '0.0.0.0' ? '127.0.0.1' : host}:${port}`,
        close: () =>
          new Promise((resolve) => {
            server.close(() => resolve())
            server.closeAllConnections()
          }),
      }
    },
    viaOf: ({ raw }) => names.get(raw.socket.localPort ?? 0),
  }
}
