import { CallCounts } from '../control/call-counts.ts'
import { startControlServer } from '../control/control-server.ts'
import { Entrances } from '../control/entrances.ts'
import { FaultTable } from '../control/faults.ts'
import { permissionRoutes } from '../control/permission-routes.ts'
import { answerCall } from './calls.ts'
import { ObjectStore } from './object-store.ts'
import { ResumableUploads } from './resumable-uploads.ts'
import { startStorageServer } from './server.ts'
import type { StorageState } from './state.ts'

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
  /** See `permissionRoutes`, and `startControlServer` for faults and counts. Call names are those of the API's reference. */
  readonly controlUrl: string
  close(): Promise<void>
}

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
  const denied = new Set<string>()
  const state: StorageState = { store, uploads: new ResumableUploads(store), denied }
  const serve = (port: number, via?: string) =>
    startStorageServer(host, port, (request) => answerCall(state, faults, calls, request, via))
  const watched = await serve(options.port ?? 0)
  const entrances = new Entrances(async (via) => {
    const { port, close } = await serve(0, via)
    return { endpoint: urlOf(host, port), close }
  })
  const unwatched = { faults: new FaultTable(), calls: new CallCounts() }
  const internal = await startStorageServer('127.0.0.1', 0, (request) =>
    answerCall(state, unwatched.faults, unwatched.calls, request),
  )
  const control = await startControlServer({
    faults,
    calls,
    entrances,
    routes: permissionRoutes(denied),
    host,
    port: options.controlPort ?? 0,
  })
  return {
    endpoint: urlOf(host, watched.port),
    controlUrl: control.url,
    internalEndpoint: `http://127.0.0.1:${internal.port}`,
    async close() {
      await Promise.all([watched.close(), entrances.close(), internal.close(), control.close()])
    },
  }
}

function urlOf(host: string, port: number): string {
  return `http://${host === '0.0.0.0' ? '127.0.0.1' : host}:${port}`
}
