import { EventEmitter } from 'node:events'
import { BigQuery } from '@google-cloud/bigquery'
import { v1 as dataproc } from '@google-cloud/dataproc'
import { Storage } from '@google-cloud/storage'
import {
  Client,
  Connection,
  type ConnectionOptions,
  defaultGrpcRetryOptions,
  makeGrpcRetryInterceptor,
} from '@temporalio/client'
import { OAuth2Client } from 'google-auth-library'
import { GoogleAuth, grpc } from 'google-gax'
import type { GoogleConfig } from './config.ts'
import { grpcUrl, isGoogle } from './endpoints.ts'
import type { TemporalAccess } from './temporal-access.ts'

/** The Google Cloud clients of one worker, made once and closed with it. */
export interface GoogleClients {
  readonly storage: Storage
  readonly bigquery: BigQuery
  readonly clusters: dataproc.ClusterControllerClient
  readonly jobs: dataproc.JobControllerClient
  close(): Promise<void>
}

/**
 * Makes the Google Cloud clients, with the application's default credentials. An endpoint that is set and is not Google's
 * own is a stand-in: it gets no credentials, and plain text when its URL says `http://`.
 */
export function createGoogleClients(config: GoogleConfig): GoogleClients {
  // The storage client listens eleven times to the stream of a larger download; Node would warn of more than ten at each.
  EventEmitter.defaultMaxListeners = 20
  const storage = createStorage(config)
  const bigquery = createBigQuery(config)
  const clusters = new dataproc.ClusterControllerClient(dataprocOptions(config))
  const jobs = new dataproc.JobControllerClient(dataprocOptions(config))
  return {
    storage,
    bigquery,
    clusters,
    jobs,
    async close() {
      await Promise.all([clusters.close(), jobs.close()])
    },
  }
}

/** The options, the same for every kind of connection to Temporal, that say where it is and who we are. */
export function temporalOptions({
  address,
  tls,
  apiKey,
  metadata,
}: TemporalAccess): Pick<ConnectionOptions, 'address' | 'tls' | 'metadata'> & { readonly apiKey?: string } {
  return { address, ...(tls && { tls }), ...(apiKey && { apiKey }), ...(metadata && { metadata }) }
}

/** The client of Cloud Storage alone. */
export function createStorage(config: GoogleConfig): Storage {
  return new Storage({
    projectId: config.project,
    ...(config.storageEndpoint && {
      apiEndpoint: config.storageEndpoint,
      ...anonymous(config.storageEndpoint),
    }),
  })
}

/** The client of BigQuery alone. */
export function createBigQuery(config: GoogleConfig): BigQuery {
  return new BigQuery({
    projectId: config.project,
    ...(config.bigqueryEndpoint && {
      apiEndpoint: config.bigqueryEndpoint,
      ...anonymous(config.bigqueryEndpoint),
    }),
  })
}

/** Connects to Temporal; fails when it cannot be reached within ten seconds. */
export async function connectTemporal(access: TemporalAccess): Promise<Client> {
  const connection = await Connection.connect({ ...temporalOptions(access), connectTimeout: '10s' })
  return new Client({ connection, namespace: access.namespace })
}

/**
 * A client that connects when it is first used, so that a gateway can start, and say that it is not ready, while Temporal
 * is away.
 */
export function lazyTemporalClient(access: TemporalAccess): Client {
  const connection = Connection.lazy({
    ...temporalOptions(access),
    connectTimeout: '10s',
    // By default gRPC waits up to two minutes before it tries a lost server again; callers are told to come back in seconds.
    channelArgs: { 'grpc.initial_reconnect_backoff_ms': 500, 'grpc.max_reconnect_backoff_ms': 3_000 },
    // The default retries ten times and would hold a caller for the whole deadline of the call.
    interceptors: [
      makeGrpcRetryInterceptor(defaultGrpcRetryOptions({ maxAttempts: 3, initialIntervalMs: () => 100 })),
    ],
  })
  return new Client({ connection, namespace: access.namespace })
}

function dataprocOptions(
  config: GoogleConfig,
): ConstructorParameters<typeof dataproc.ClusterControllerClient>[0] {
  // Dataproc's default endpoint serves only the region `global`:
  // https://cloud.google.com/dataproc/docs/concepts/regional-endpoints
  const endpoint = config.dataprocEndpoint ?? `${config.region}-dataproc.googleapis.com`
  const url = grpcUrl(endpoint)
  const { protocol, hostname, port } = new URL(url)
  return {
    projectId: config.project,
    apiEndpoint: hostname,
    port: Number(port || (protocol === 'http:' ? 80 : 443)),
    ...(!isGoogle(url) && withoutCredentials(config.project, protocol)),
  }
}

/** The channel to a stand-in: with TLS as its URL says, and with credentials that are never sent, so that none are looked for. */
function withoutCredentials(
  projectId: string,
  protocol: string,
): { sslCreds: grpc.ChannelCredentials; auth: GoogleAuth } {
  const auth = new GoogleAuth({ projectId, credentials: { client_email: 'stand-in', private_key: 'none' } })
  const { createInsecure, createSsl } = grpc.credentials
  return { sslCreds: protocol === 'http:' ? createInsecure() : createSsl(), auth }
}

function anonymous(endpoint: string): { authClient?: OAuth2Client } {
  if (isGoogle(endpoint)) return {}
  const authClient = new OAuth2Client()
  // Any token will do for a stand-in; with one that never expires the client does not go looking for another.
  authClient.setCredentials({ access_token: 'stand-in', expiry_date: Number.MAX_SAFE_INTEGER })
  return { authClient }
}

/** Whether any of the clients talks to Google itself, and so needs credentials. */
export function needsCredentials(config: GoogleConfig): boolean {
  const { storageEndpoint, bigqueryEndpoint, dataprocEndpoint } = config
  const endpoints = [storageEndpoint, bigqueryEndpoint, dataprocEndpoint && grpcUrl(dataprocEndpoint)]
  return endpoints.some((endpoint) => endpoint === undefined || isGoogle(endpoint))
}
