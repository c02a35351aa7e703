import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import type { Client } from '@temporalio/client'
import { startTemporal, type Temporal } from '../../../local/temporal/temporal.ts'
import { lazyTemporalClient } from '../../../src/clients.ts'
import type { GatewayConfig } from '../../../src/config.ts'
import { type AppOptions, buildApp } from '../../../src/gateway/app.ts'
import type { KeySetTimes } from '../../../src/gateway/authentication/key-set.ts'
import { SEARCH_ATTRIBUTES } from '../../../workflows/contract.ts'
import { type Issuer, startIssuer } from './issuer.ts'

/** A gateway on a real development server, without a worker. */
export interface TestGateway {
  readonly app: Awaited<ReturnType<typeof buildApp>>
  readonly temporal: Temporal
  readonly client: Client
  readonly issuer: Issuer
  readonly config: GatewayConfig
  /** Everything that was logged. */
  readonly log: () => string
  /** Headers of a good caller, with the given ones over them. */
  headers(more?: Record<string, string>): Promise<Record<string, string>>
  /** Headers of another caller who is on the list. */
  headersOf(email: string): Promise<Record<string, string>>
  close(): Promise<void>
}

/** What differs from the ordinary. */
export interface TestGatewayOptions {
  readonly config?: Partial<GatewayConfig>
  readonly keySetTimes?: KeySetTimes
  readonly waitLimitMs?: number
  readonly waitPlaces?: AppOptions['waitPlaces']
  readonly connectionTimes?: AppOptions['connectionTimes']
  readonly maxLoopDelayMs?: number
}

/** The configuration of the gateways under test. */
export function testConfig(issuer: Issuer, temporalAddress: string): GatewayConfig {
  return {
    temporal: {
      address: temporalAddress,
      namespace: 'default',
      taskQueue: 'test-queue',
      uiUrl: 'http://ui.test',
    },
    pipeline: {
      deployment: 'test',
      paths: { rawBucket: 'raw-bucket', processedBucket: 'processed-bucket', allowedBuckets: ['raw-bucket'] },
      outputTable: 'test-project.dataset.table',
      allowedTables: ['my-project.my_dataset.my-table'],
      callerFolders: ['gs://raw-bucket/elsewhere/'],
    },
    authentication: {
      mode: 'id-token',
      audiences: ['test-client-id'],
      jwksUrl: issuer.jwksUrl,
      allowedCallers: ['caller@example.com', 'other@example.com', 'operator@example.com'],
      operators: ['operator@example.com'],
    },
    secret: 'a secret of the tests, which nobody needs to keep',
    requestsPerMinute: 100_000,
    refusalsPerMinute: 100_000,
    host: '127.0.0.1',
    port: 0,
    logLevel: 'debug',
  }
}

/** Starts Temporal, an issuer of tokens, and the gateway's app before them. */
export async function startTestGateway(options: TestGatewayOptions = {}): Promise<TestGateway> {
  const stateDir = await mkdtemp(join(tmpdir(), 'gateway-'))
  const [temporal, issuer] = await Promise.all([
    startTemporal({ stateDir, searchAttributes: SEARCH_ATTRIBUTES }),
    startIssuer(),
  ])
  const config = { ...testConfig(issuer, temporal.address), ...options.config }
  const client = lazyTemporalClient(config.temporal)
  let log = ''
  const stream = new Writable({
    write(chunk, _encoding, done) {
      log += String(chunk)
      done()
    },
  })
  const app = await buildApp({
    config,
    temporal: client,
    logStream: stream,
    ...(options.keySetTimes && { keySetTimes: options.keySetTimes }),
    ...(options.waitLimitMs && { waitLimitMs: options.waitLimitMs }),
    ...(options.waitPlaces && { waitPlaces: options.waitPlaces }),
    ...(options.connectionTimes && { connectionTimes: options.connectionTimes }),
    // In a test the loop is the test's too, and waits for whatever else the machine does.
    maxLoopDelayMs: options.maxLoopDelayMs ?? 0,
  })
  return {
    app,
    temporal,
    client,
    issuer,
    config,
    log: () => log,
    headers: async (more = {}) => ({ authorization: `Bearer ${await issuer.token()}`, ...more }),
    headersOf: async (email) => ({ authorization: `Bearer ${await issuer.token({ claims: { email } })}` }),
    async close() {
      await app.close()
      await client.connection.close()
      await Promise.all([temporal.close(), issuer.close()])
      await rm(stateDir, { recursive: true, force: true })
    },
  }
}

/** How many runs there are, by name, whatever became of them; asks until visibility has caught up with `sentinel`. */
export async function workflowIds(client: Client): Promise<readonly string[]> {
  const ids: string[] = []
  for await (const { workflowId } of client.workflow.list()) ids.push(workflowId)
  return ids.sort()
}
