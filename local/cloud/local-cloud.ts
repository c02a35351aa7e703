import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { SEARCH_ATTRIBUTES } from '../../workflows/contract.ts'
import { freePort } from '../support/free-port.ts'
import { stopProcess } from '../support/processes.ts'
import { ACCOUNT_PORTS, ACCOUNTS, type AccountName, storageVariableOf } from './accounts.ts'
import { startChild } from './children.ts'
import { prepareStorage, prepareWarehouse } from './prepare.ts'
import { type PortName, SERVICES, type ServiceName, WELL_KNOWN_PORTS } from './services.ts'
import { type CloudEnvironment, constantEnvironment, LOCAL } from './settings.ts'
import { takeStateDir } from './state-dir.ts'

/** What to bring up, and where. */
export interface LocalCloudOptions {
  /** Emptied, and locked while the cloud is up. */
  readonly stateDir: string
  /** Default: all. */
  readonly services?: readonly ServiceName[]
  /** Default 127.0.0.1. */
  readonly host?: string
  /** Well-known ports where they are free; default: any free ports. */
  readonly wellKnownPorts?: boolean
  /** Variables of worker and gateway, over what they would have. */
  readonly set?: CloudEnvironment
  /** Told when a service is ready, with the milliseconds that it took. */
  readonly onReady?: (service: ServiceName, milliseconds: number) => void
}

/** A local cloud that is up. */
export interface LocalCloud {
  /** Every endpoint and name, by the environment variable that production code and tests read. */
  readonly env: CloudEnvironment
  /** Well-known ports that were taken, with the ones used in their place. */
  readonly movedPorts: Readonly<Partial<Record<PortName, number>>>
  /** Takes everything down, callers first. */
  close(): Promise<void>
}

/**
 * Brings up the local cloud: what does not depend on anything at once, the rest as soon as it can.
 * @throws Error with everything taken down again; at once when the state folder belongs to another cloud.
 */
export async function startLocalCloud(options: LocalCloudOptions): Promise<LocalCloud> {
  const stateDir = takeStateDir(options.stateDir)
  const building = new CloudUnderConstruction(options)
  try {
    await building.startAll()
  } catch (error) {
    await building.close()
    stateDir.release()
    throw error
  }
  const { env, movedPorts } = building
  stateDir.announce(env['GATEWAY_URL'] ?? env['TEMPORAL_UI_URL'] ?? options.stateDir)
  return {
    env,
    movedPorts,
    async close() {
      await building.close()
      stateDir.release()
    },
  }
}

/** Collects what the services say of themselves while they come up. */
class CloudUnderConstruction {
  readonly env: CloudEnvironment
  readonly movedPorts: Partial<Record<PortName, number>> = {}
  readonly #options: LocalCloudOptions
  readonly #wanted: ReadonlySet<ServiceName>
  /** Where other stand-ins read and write, out of reach of faults, by whose rights they have. */
  #internalStorage = { service: '', worker: '', cluster: '' }
  readonly #running = new Map<ServiceName, () => Promise<void>>()

  constructor(options: LocalCloudOptions) {
    this.#options = options
    // A secret of this cloud alone: what one gateway has sealed, the next one does not open.
    const secret = { GATEWAY_SECRET: randomBytes(32).toString('base64url') }
    this.env = { ...constantEnvironment(), ...secret, ...options.set }
    this.#wanted = new Set(options.services ?? SERVICES)
  }

  async startAll(): Promise<void> {
    const storage = this.#start('storage', () => this.#storage())
    await allOrFirstError([
      storage,
      this.#start('identity', () => this.#identity()),
      this.#start('temporal', () => this.#temporal()),
      storage.then(() => this.#start('dataproc', () => this.#dataproc())),
      storage.then(() => this.#start('bigquery', () => this.#bigquery())),
    ])
    await allOrFirstError([
      this.#start('worker', () => this.#worker()),
      this.#start('gateway', () => this.#gateway()),
    ])
  }

  async close(): Promise<void> {
    for (const name of SERVICES) {
      await this.#running.get(name)?.()
      this.#running.delete(name)
    }
  }

  /** @param start brings the service up and returns what takes it down. */
  async #start(name: ServiceName, start: () => Promise<() => Promise<void>>): Promise<void> {
    if (!this.#wanted.has(name)) return
    const begin = performance.now()
    this.#running.set(name, await start())
    this.#options.onReady?.(name, performance.now() - begin)
  }

  get #host(): string {
    return this.#options.host ?? '127.0.0.1'
  }

  /** @throws Error when a service is wanted without the one that it stands on. */
  #required(variable: string, service: ServiceName, needs: ServiceName): string {
    const value = this.env[variable]
    if (value === undefined) throw new Error(`${service} needs ${needs}. Add it to the services.`)
    return value
  }

  /** What a process of ours reads: the same as everybody, but for its own way to Cloud Storage, and what was set. */
  #envOf(account: AccountName): CloudEnvironment {
    const endpoint = this.env[storageVariableOf(account)]
    const own = endpoint === undefined ? {} : { STORAGE_API_ENDPOINT: endpoint }
    return { ...this.env, ...own, ...this.#options.set }
  }

  async #port(name: PortName): Promise<number> {
    const wanted = this.#options.wellKnownPorts ? WELL_KNOWN_PORTS[name] : 0
    const port = await freePort(this.#host, wanted)
    if (wanted !== 0 && port !== wanted) this.movedPorts[name] = port
    return port
  }

  async #storage() {
    const { startStorage } = await import('../storage/storage.ts')
    const storage = await startStorage({
      host: this.#host,
      port: await this.#port('storage'),
      accounts: ACCOUNTS,
    })
    this.env['STORAGE_API_ENDPOINT'] = storage.endpoint
    this.env['STORAGE_CONTROL_URL'] = storage.controlUrl
    for (const [account, port] of Object.entries(ACCOUNT_PORTS) as [AccountName, PortName][]) {
      this.env[storageVariableOf(account)] = await storage.openFor(account, await this.#port(port))
    }
    this.#internalStorage = {
      service: await storage.openInternal(),
      worker: await storage.openInternal('worker'),
      cluster: await storage.openInternal('cluster'),
    }
    await prepareStorage(this.#internalStorage.service)
    return () => storage.close()
  }

  async #identity() {
    const { startIdentity, TRIGGER_EMAIL } = await import('../identity/identity.ts')
    const { stateDir } = this.#options
    const identity = await startIdentity({ host: this.#host, port: await this.#port('identity'), stateDir })
    Object.assign(this.env, {
      IDENTITY_URL: identity.url,
      IAM_API_ENDPOINT: identity.url,
      IDENTITY_CONTROL_URL: identity.controlUrl,
      GOOGLE_JWKS_URL: identity.jwksUrl,
      IAP_JWKS_URL: identity.iapJwksUrl,
      GOOGLE_APPLICATION_CREDENTIALS: identity.serviceAccountFile,
      ALLOWED_CALLERS: TRIGGER_EMAIL,
    })
    return () => identity.close()
  }

  async #temporal() {
    const { startTemporal } = await import('../temporal/temporal.ts')
    const temporal = await startTemporal({
      host: this.#host,
      port: await this.#port('temporal'),
      uiPort: await this.#port('temporalUi'),
      stateDir: this.#options.stateDir,
      namespace: LOCAL.namespace,
      searchAttributes: SEARCH_ATTRIBUTES,
    })
    this.env['TEMPORAL_ADDRESS'] = temporal.address
    this.env['TEMPORAL_UI_URL'] = temporal.uiUrl
    this.env['TEMPORAL_CONTROL_URL'] = temporal.controlUrl
    return () => temporal.close()
  }

  async #dataproc() {
    const { startDataproc } = await import('../dataproc/dataproc.ts')
    const dataproc = await startDataproc({
      host: this.#host,
      port: await this.#port('dataproc'),
      stateDir: this.#options.stateDir,
      project: LOCAL.project,
      storage: {
        spark: this.#required(storageVariableOf('cluster'), 'dataproc', 'storage'),
        stub: this.#internalStorage.cluster,
        service: this.#internalStorage.service,
      },
    })
    this.env['DATAPROC_API_ENDPOINT'] = `http://${dataproc.endpoint}`
    this.env['DATAPROC_CONTROL_URL'] = dataproc.controlUrl
    return () => dataproc.close()
  }

  async #bigquery() {
    this.#required('STORAGE_API_ENDPOINT', 'bigquery', 'storage')
    const { startBigQuery } = await import('../bigquery/bigquery.ts')
    const bigquery = await startBigQuery({
      host: this.#host,
      port: await this.#port('bigquery'),
      stateDir: this.#options.stateDir,
      // On Google a job has its caller's rights; the worker is the one that loads.
      storageEndpoint: this.#internalStorage.worker,
    })
    this.env['BIGQUERY_API_ENDPOINT'] = bigquery.endpoint
    this.env['BIGQUERY_CONTROL_URL'] = bigquery.controlUrl
    await prepareWarehouse(bigquery)
    return () => bigquery.close()
  }

  async #worker() {
    const port = await freePort(this.#host)
    this.env['WORKER_HEALTH_PORT'] = String(port)
    this.env['WORKER_METRICS_PORT'] = String(await freePort(this.#host))
    const worker = await startChild({
      name: 'worker',
      script: 'src/worker/main.ts',
      env: this.#envOf('worker'),
      readyUrl: `http://127.0.0.1:${port}/readyz`,
      logFile: join(this.#options.stateDir, 'worker.log'),
    })
    return () => stopProcess(worker)
  }

  async #gateway() {
    const port = await this.#port('gateway')
    Object.assign(this.env, {
      GATEWAY_PORT: String(port),
      GATEWAY_METRICS_PORT: String(await freePort(this.#host)),
      GATEWAY_URL: `http://127.0.0.1:${port}`,
    })
    const gateway = await startChild({
      name: 'gateway',
      script: 'src/gateway/main.ts',
      env: this.#envOf('gateway'),
      readyUrl: `http://127.0.0.1:${port}/readyz`,
      logFile: join(this.#options.stateDir, 'gateway.log'),
    })
    return () => stopProcess(gateway)
  }
}

/** Waits for all, so that nothing is still coming up when the caller takes everything down; then reports the first error. */
async function allOrFirstError(starts: Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(starts)) if (result.status === 'rejected') throw result.reason
}
