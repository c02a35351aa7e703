import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { gunzipSync } from 'node:zlib'
import { CallCounts } from '../control/call-counts.ts'
import { startControlServer } from '../control/control-server.ts'
import { type Fault, type FaultMoment, FaultTable } from '../control/faults.ts'
import { answerBatch, isBatch } from './batch.ts'
import { errorBody, StorageError } from './errors.ts'
import { emptyReply, jsonReply, type StorageReply, type StorageRequest } from './http.ts'
import { ObjectStore } from './object-store.ts'
import { ResumableUploads } from './resumable-uploads.ts'
import { type RoutedCall, route, type StorageState } from './routes.ts'

/** Where the stand-in listens. */
export interface StorageOptions {
  /** Default 127.0.0.1. */
  readonly host?: string
  /** Default 0: any free port. */
  readonly port?: number
  /** Default 0: any free port. */
  readonly controlPort?: number
}

/** A running stand-in for Cloud Storage. */
export interface Storage {
  /** Base URL without a trailing slash: `apiEndpoint` of the clients, `fs.gs.storage.root.url` of the connector. */
  readonly endpoint: string
  /** The same buckets and objects without faults and counts: for other stand-ins, which a fault is not meant for. */
  readonly internalEndpoint: string
  /** Faults and call counts; see `startControlServer`. Call names are those of the API's reference. */
  readonly controlUrl: string
  close(): Promise<void>
}

/** The connection is to be closed without an answer. */
class Dropped extends Error {}

/**
 * Starts a stand-in for Cloud Storage's JSON API, in memory: buckets and objects with generations, metagenerations and
 * preconditions on every call, simple, multipart and resumable uploads, ranges and gzip transcoding, listing with pages
 * and delimiters, copy, rewrite, compose, move, and batches. Credentials are not looked at.
 *
 * Call names for faults and counts: `objects.get` (metadata), `objects.getMedia` (content), `objects.list`,
 * `objects.insert` (every upload that carries content, each chunk of a resumable one too), `objects.startResumable`,
 * `objects.copy`, `objects.rewrite`, `objects.move`, `objects.compose`, `objects.patch`, `objects.update`,
 * `objects.delete`, `buckets.get`, `buckets.insert` … A call inside a batch counts under its own name.
 * @see https://cloud.google.com/storage/docs/json_api/v1
 */
export async function startStorage(options: StorageOptions = {}): Promise<Storage> {
  const host = options.host ?? '127.0.0.1'
  const faults = new FaultTable()
  const calls = new CallCounts()
  const store = new ObjectStore()
  const state: StorageState = { store, uploads: new ResumableUploads(store) }
  const watched = storageServer((request) => answerCall(state, faults, calls, request))
  const internal = storageServer((request) => answerCall(state, new FaultTable(), new CallCounts(), request))
  const port = await listen(watched, host, options.port ?? 0)
  const internalPort = await listen(internal, '127.0.0.1', 0)
  const control = await startControlServer({ faults, calls, host, port: options.controlPort ?? 0 })
  return {
    endpoint: `http://${host === '0.0.0.0' ? '127.0.0.1' : host}:${port}`,
    controlUrl: control.url,
    internalEndpoint: `http://127.0.0.1:${internalPort}`,
    async close() {
      await Promise.all([closeServer(watched), closeServer(internal), control.close()])
    },
  }
}

function storageServer(answer: (request: StorageRequest) => Promise<StorageReply>): Server {
  const server = createServer((incoming, outgoing) => {
    void serve(incoming, outgoing, answer)
  })
  // Clients keep connections and use them again at any time; closing an idle one races with their next request.
  server.keepAliveTimeout = 600_000
  server.requestTimeout = 0
  return server
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

async function serve(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  answer: (request: StorageRequest) => Promise<StorageReply>,
): Promise<void> {
  try {
    const request = await readRequest(incoming)
    const reply = isBatch(request) ? await answerBatch(request, answer) : await answer(request)
    send(outgoing, reply, incoming.method === 'HEAD')
  } catch (error) {
    if (error instanceof Dropped) incoming.socket.destroy()
    else send(outgoing, errorReply(error), false)
  }
}

/** One call with its faults: `before` strikes when the request is read, `after` when its effect is committed. */
async function answerCall(
  state: StorageState,
  faults: FaultTable,
  calls: CallCounts,
  request: StorageRequest,
): Promise<StorageReply> {
  let routed: RoutedCall
  try {
    routed = route(request)
  } catch (error) {
    return errorReply(error)
  }
  const { call } = routed
  calls.count(call)
  const subject = decode(`${request.path}?${request.query}`)
  const before = await strike(faults, call, 'before', subject)
  if (before !== undefined) return before
  const reply = answerOrError(() => routed.answer(state, request))
  return (await strike(faults, call, 'after', subject)) ?? reply
}

async function strike(
  faults: FaultTable,
  call: string,
  when: FaultMoment,
  subject: string,
): Promise<StorageReply | undefined> {
  const { latencyMs, fault } = faults.take(call, when, subject)
  if (latencyMs > 0) await sleep(latencyMs)
  if (fault === undefined) return undefined
  if (fault.kind === 'drop') throw new Dropped()
  return faultReply(fault)
}

/** Default: 503 `backendError`, which every official client retries. */
function faultReply({ code, reason, message }: Fault): StorageReply {
  const status = typeof code === 'number' ? code : 503
  return jsonReply(errorBody(status, reason ?? 'backendError', message ?? 'Backend Error'), status)
}

function answerOrError(answer: () => StorageReply): StorageReply {
  try {
    return answer()
  } catch (error) {
    return errorReply(error)
  }
}

/** What is not a refusal is a fault of the stand-in itself; its text helps whoever is testing. */
function errorReply(error: unknown): StorageReply {
  if (!(error instanceof StorageError)) return jsonReply(errorBody(500, 'internalError', String(error)), 500)
  if (error.status === 304) return emptyReply(304)
  return jsonReply(errorBody(error.status, error.reason, error.message), error.status)
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

/** The text that a fault's `match` is looked for in. */
function decode(url: string): string {
  try {
    return decodeURIComponent(url.replaceAll('+', ' '))
  } catch {
    return url
  }
}
