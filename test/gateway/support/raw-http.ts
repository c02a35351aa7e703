import { connect } from 'node:net'

/** A request as it goes over the wire; nothing in it is checked or put right. */
export interface RawRequest {
  readonly method: string
  /** As in the first line. */
  readonly target: string
  /** Lines without their ends. `Host`, `Connection` and `Content-Length` are added. */
  readonly headers: readonly string[]
  /** A large one is made when it is sent, so that a report of the request can be read. */
  readonly body?: Buffer | (() => Buffer)
  /** Lines that come instead of `Content-Length`. */
  readonly framing?: readonly string[]
}

/** What came back. */
export interface RawReply {
  /** Undefined when the server closed the connection without an answer. */
  readonly status: number | undefined
  readonly text: string
}

const PATIENCE_MS = 20_000

/** Sends bytes that a well-behaved HTTP client would refuse to send. @throws Error when there is no end of the answer */
export async function sendRaw(port: number, request: RawRequest): Promise<RawReply> {
  const body = typeof request.body === 'function' ? request.body() : (request.body ?? Buffer.alloc(0))
  const framing = request.framing ?? [`Content-Length: ${body.length}`]
  const lines = [
    `${request.method} ${request.target} HTTP/1.1`,
    'Host: gateway.test',
    'Connection: close',
    ...request.headers,
    ...framing,
  ]
  const socket = connect({ port, host: '127.0.0.1' })
  const received: Buffer[] = []
  socket.on('data', (chunk: Buffer) => received.push(chunk))
  // A server that has answered may close while a large body is still on its way.
  socket.on('error', () => undefined)
  socket.setTimeout(PATIENCE_MS, () => socket.destroy())
  const began = Date.now()
  socket.write(Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'))
  if (body.length > 0) socket.write(body)
  await new Promise((resolve) => socket.once('close', resolve))
  if (Date.now() - began >= PATIENCE_MS)
    throw new Error(`${request.method} ${request.target} was not answered.`)
  const text = Buffer.concat(received).toString()
  const [, status] = /^HTTP\/1\.1 (\d{3})/.exec(text) ?? []
  return { status: status === undefined ? undefined : Number(status), text }
}
