import { CallCounts } from '../control/call-counts.ts'
import { startControlServer } from '../control/control-server.ts'
import { type EntranceOptions, Entrances } from '../control/entrances.ts'
import { FaultTable } from '../control/faults.ts'
import { answerCall } from './calls.ts'
import { AuthorizedStore } from './iam/authorized-store.ts'
import { accessRoutes } from './iam/control-routes.ts'
import { type Accounts, Grants, OWNER } from './iam/grants.ts'
import { ObjectStore } from './object-store.ts'
import { ResumableUploads } from './resumable-uploads.ts'
import { startStorageServer } from './server.ts'

/** Where the stand-in listens, and whom it knows. */
export interface StorageOptions {
  /** Default 127.0.0.1. */
  readonly host?: string
  /** Default 0: any free port. */
  readonly port?: number
  /** Default 0: any free port. */
  readonly controlPort?: number
  /** Default: none but the owner of the project. */
  readonly accounts?: Accounts
}

/** A running stand-in for Cloud Storage. */
export interface Storage {
  /**
   * Base URL without a trailing slash: `apiEndpoint` of the clients, `fs.gs.storage.root.url` of the connector. Who calls
   * here is the project's owner.
   */
  readonly endpoint: string
  /** See `accessRoutes`, and `startControlServer` for faults and counts. Call names are those of the API's reference. */
  readonly controlUrl: string
  /** Where an account's calls come in; an entrance of its name. @throws Error for an account that there is not */
  openFor(account: string, port?: number): Promise<string>
  /**
   * The same buckets and objects without faults and counts: for other stand-ins, which a fault is not meant for.
   * @param account whose rights they have; default: the owner's
   */
  openInternal(account?: string): Promise<string>
  close(): Promise<void>
}

/**
 * Starts a stand-in for Cloud Storage's JSON API, in memory: buckets and objects with generations, metagenerations and
 * preconditions on every call, simple, multipart and resumable uploads, ranges and gzip transcoding, listing with pages
 * and delimiters, copy, rewrite, compose, move, and batches. Credentials are not looked at: who calls is told by the
 * entrance, and each account may do what it has been granted.
 *
 * Call names for faults and counts: `objects.get` (metadata), `objects.getMedia` (content), `objects.list`,
 * `objects.insert` (every upload that carries content, each chunk of a resumable one too), `objects.startResumable`,
 * `objects.copy`, `objects.rewrite`, `objects.move`, `objects.compose`, `objects.patch`, `objects.update`,
 * `objects.delete`, `buckets.get`, `buckets.insert` … A call inside a batch counts under its own name. Calls that are
 * refused count, and a fault strikes before anybody looks at permissions.
 * @see https://cloud.google.com/storage/docs/json_api/v1
 */
export async function startStorage(options: StorageOptions = {}): Promise<Storage> {
  const host = options.host ?? '127.0.0.1'
  const watch = { faults: new FaultTable(), calls: new CallCounts() }
  const grants = new Grants(options.accounts ?? {})
  const store = new ObjectStore()
  const uploads = new ResumableUploads()
  const opener =
    (address: string, { faults, calls }: typeof watch) =>
    async (via: string | undefined, { account = OWNER, port: wanted = 0 }: EntranceOptions) => {
      const state = { store: new AuthorizedStore(store, grants.callerOf(account)), uploads }
      const { port, close } = await startStorageServer(address, wanted, (request) =>
        answerCall(state, faults, calls, request, via),
      )
      return { endpoint: urlOf(address, port), close }
    }
  const isAccount = (name: string) => grants.has(name)
  const main = await opener(host, watch)(undefined, { port: options.port ?? 0 })
  const entrances = new Entrances(opener(host, watch), isAccount)
  const unwatched = { faults: new FaultTable(), calls: new CallCounts() }
  const internals = new Entrances(opener('127.0.0.1', unwatched), isAccount)
  const control = await startControlServer({
    ...watch,
    entrances,
    routes: accessRoutes(grants),
    host,
    port: options.controlPort ?? 0,
  })
  return {
    endpoint: main.endpoint,
    controlUrl: control.url,
    openFor: (account, port = 0) => entrances.open(account, { account, port }),
    openInternal: (account = OWNER) => internals.open(account, { account }),
    async close() {
      await Promise.all([main.close(), entrances.close(), internals.close(), control.close()])
    },
  }
}

function urlOf(host: string, port: number): string {
  return `http://${host === '0.0.0.0' ? '127.0.0.1' : host}:${port}`
}
