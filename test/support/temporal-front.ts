import { once } from 'node:events'
import {
  connect,
  constants,
  createSecureServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import type { AddressInfo } from 'node:net'
import type { Certificate } from './certificates.ts'

/** A server of TLS before a Temporal server that speaks plain text, as Temporal Cloud's is. */
export interface TemporalFront {
  /** `host:port` */
  readonly address: string
  /** The headers of every call that came. */
  readonly calls: readonly IncomingHttpHeaders[]
  close(): Promise<void>
}

interface FrontOptions {
  /** `host:port` of the Temporal server. */
  readonly upstream: string
  readonly server: Certificate
  /** Clients must have a certificate of this authority. */
  readonly clientAuthority?: string
  /** Clients must send this key. */
  readonly apiKey?: string
  /** The only namespace that clients may name. */
  readonly namespace?: string
}

/** Starts it on a free port. Calls that are refused get the status that Temporal Cloud gives them. */
export async function startTemporalFront(options: FrontOptions): Promise<TemporalFront> {
  const { upstream, server, clientAuthority, apiKey, namespace } = options
  const calls: IncomingHttpHeaders[] = []
  const sessions = new Set<ServerHttp2Session>()
  const behind = connect(`http://${upstream}`)
  const front = createSecureServer({
    cert: server.certificate,
    key: server.key,
    ...(clientAuthority && { ca: clientAuthority, requestCert: true, rejectUnauthorized: true }),
  })
  front.on('session', (session) => {
    sessions.add(session)
    session.on('close', () => sessions.delete(session))
  })
  front.on('stream', (stream, headers) => {
    calls.push(headers)
    stream.on('error', () => undefined)
    const named = headers['temporal-namespace']
    if (apiKey !== undefined && headers['authorization'] !== `Bearer ${apiKey}`) {
      refuse(stream, 16, 'Request unauthenticated.')
    } else if (namespace !== undefined && named !== undefined && named !== namespace) {
      refuse(stream, 7, 'Request unauthorized.')
    } else {
      forward(stream, headers)
    }
  })

  function forward(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    const { ':authority': _, ...rest } = headers
    const request = behind.request(rest)
    request.on('error', () => stream.close())
    stream.on('close', () => request.close())
    let trailers: IncomingHttpHeaders = {}
    request.on('trailers', (received) => {
      trailers = received
    })
    request.on('response', (response, flags) => {
      // An error comes as headers alone.
      if (flags & constants.NGHTTP2_FLAG_END_STREAM) {
        stream.respond(response, { endStream: true })
        return
      }
      stream.on('wantTrailers', () => stream.sendTrailers(trailers))
      stream.respond(response, { waitForTrailers: true })
      request.pipe(stream)
    })
    stream.pipe(request)
  }

  front.listen(0, '127.0.0.1')
  await once(front, 'listening')
  return {
    address: `127.0.0.1:${(front.address() as AddressInfo).port}`,
    calls,
    async close() {
      for (const session of sessions) session.destroy()
      behind.destroy()
      front.close()
      await once(front, 'close')
    },
  }
}

function refuse(stream: ServerHttp2Stream, status: number, message: string): void {
  stream.respond(
    { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': status, 'grpc-message': message },
    { endStream: true },
  )
}
