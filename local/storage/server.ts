import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'
import { answerBatch, isBatch } from './batch.ts'
import { Dropped, errorReply } from './calls.ts'
import type { StorageReply, StorageRequest } from './http.ts'

/** Answers one call. @throws Dropped to have the connection closed. */
export type AnswerCall = (request: StorageRequest) => Promise<StorageReply>

/** A listening HTTP server. */
export interface StorageServer {
  readonly port: number
  close(): Promise<void>
}

/** Serves calls, alone and in batches, over plain HTTP. */
export async function startStorageServer(
  host: string,
  port: number,
  answer: AnswerCall,
): Promise<StorageServer> {
  const server = createServer((incoming, outgoing) => {
    void serve(incoming, outgoing, answer)
  })
  // Clients keep connections and use them again at any time; closing an idle one races with their next request.
  server.keepAliveTimeout = 600_000
  server.requestTimeout = 0
  return { port: await listen(server, host, port), close: () => closeServer(server) }
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

async function serve(incoming: IncomingMessage, outgoing: ServerResponse, answer: AnswerCall): Promise<void> {
  try {
    const request = await readRequest(incoming)
    const reply = isBatch(request) ? await answerBatch(request, answer) : await answer(request)
    send(outgoing, reply, incoming.method === 'HEAD')
  } catch (error) {
    if (error instanceof Dropped) incoming.socket.destroy()
    else send(outgoing, errorReply(error), false)
  }
}

async function readRequest(incoming: IncomingMessage): Promise<StorageRequest> {
  const [path = '/', query = ''] = (incoming.url ?? '/').split(/\?(.*)/s, 2)
  const chunks: Buffer[] = []
  let truncated = false
  try {
    for await (const chunk of incoming) chunks.push(chunk)
  } catch {
    truncated = true
  }
  return {
    method: incoming.method ?? 'GET',
    path,
    query: new URLSearchParams(query),
    headers: incoming.headers,
    body: unpackedBody(path, incoming, Buffer.concat(chunks)),
    truncated,
    origin: `http://${incoming.headers.host ?? 'localhost'}`,
  }
}

/** Java's clients, and so the Hadoop connector, compress the bodies of JSON calls; an upload's bytes are the object's own. */
function unpackedBody(path: string, { headers }: IncomingMessage, body: Buffer): Buffer {
  if (headers['content-encoding'] !== 'gzip' || path.includes('/upload/') || body.length === 0) return body
  try {
    return gunzipSync(body)
  } catch {
    return body
  }
}

function send(outgoing: ServerResponse, { status, headers, body }: StorageReply, headOnly: boolean): void {
  const length = status === 204 || status === 304 ? {} : { 'content-length': String(body.length) }
  outgoing.writeHead(status, { ...headers, ...length })
  outgoing.end(headOnly ? undefined : body)
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve((server.address() as AddressInfo).port)
    })
  })
}
