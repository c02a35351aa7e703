import { type TObject, Type } from 'typebox'
import type { PathRules } from '../workflows/paths.ts'
import { integer, listOf, number, optionalText, readEnvironment, text } from './environment.ts'

/** Where Temporal is. */
export interface TemporalConfig {
  /** `host:port` */
  readonly address: string
  readonly namespace: string
  readonly taskQueue: string
  /** Base URL of the Web UI, for links. */
  readonly uiUrl: string
}

/** Where Google Cloud is. An endpoint is set only to reach another one than Google's. */
export interface GoogleConfig {
  readonly project: string
  readonly region: string
  readonly dataprocEndpoint?: string
  readonly storageEndpoint?: string
  readonly bigqueryEndpoint?: string
}

/** What the pipeline does unless a run says otherwise. */
export interface PipelineConfig {
  /** Tells the clusters of one deployment from another's in the same project. */
  readonly deployment: string
  readonly paths: PathRules
  readonly outputTable: string
  readonly bigqueryLocation: string
  readonly maxRejects: number
  readonly maxRejectShare: number
  readonly sparkScriptUri: string
  readonly createClusterDeadlineMinutes: number
  readonly sparkJobDeadlineMinutes: number
  /** Pauses between two looks at a cluster or job, in milliseconds. */
  readonly polling: { readonly minimum: number; readonly maximum: number }
}

/** The shape of the ephemeral cluster. */
export interface ClusterConfig {
  readonly imageVersion: string
  readonly machineType: string
  readonly workers: number
  /** Tried in this order when one is out of stock; empty leaves the choice to Dataproc. */
  readonly zones: readonly string[]
  readonly serviceAccount?: string
  readonly subnetwork?: string
}

export interface WorkerConfig {
  readonly temporal: TemporalConfig
  readonly google: GoogleConfig
  readonly pipeline: PipelineConfig
  readonly cluster: ClusterConfig
  readonly health: { readonly host: string; readonly port: number }
  readonly logLevel: string
}

/** How callers prove who they are: Google ID tokens in `Authorization`, or the assertion that IAP adds. */
export interface AuthenticationConfig {
  readonly mode: 'id-token' | 'iap'
  readonly audiences: readonly string[]
  readonly jwksUrl: string
  /** E-mail addresses, in lower case. */
  readonly allowedCallers: readonly string[]
}

export interface GatewayConfig {
  readonly temporal: TemporalConfig
  readonly pipeline: Pick<PipelineConfig, 'paths' | 'outputTable'>
  readonly authentication: AuthenticationConfig
  /** What one caller may send. */
  readonly requestsPerMinute: number
  readonly host: string
  readonly port: number
  readonly logLevel: string
}

const temporalVariables = {
  TEMPORAL_ADDRESS: text({ description: "host:port of Temporal's frontend", default: '127.0.0.1:7233' }),
  TEMPORAL_NAMESPACE: text({ description: 'Temporal namespace', default: 'default' }),
  TEMPORAL_TASK_QUEUE: text({ description: 'task queue of the worker', default: 'average-speed' }),
  TEMPORAL_UI_URL: text({
    description: "base URL of Temporal's Web UI, for links",
    default: 'http://127.0.0.1:8233',
  }),
}

const pipelineVariables = {
  RAW_BUCKET: text({ description: 'bucket of raw paths that are sent without one' }),
  PROCESSED_BUCKET: text({ description: 'bucket that archived batches are moved to' }),
  ALLOWED_BUCKETS: optionalText({
    description: 'buckets that a request may name, comma-separated; default: RAW_BUCKET',
  }),
  BQ_OUTPUT_TABLE: text({
    description: 'output table, project.dataset.table',
    pattern: '^[^.:`]+[.:][^.:`]+\\.[^.:`]+$',
  }),
  LOG_LEVEL: text({ description: 'trace, debug, info, warn or error', default: 'info' }),
}

const workerVariables = {
  ...temporalVariables,
  ...pipelineVariables,
  GOOGLE_CLOUD_PROJECT: text({ description: 'project of clusters and jobs' }),
  DATAPROC_REGION: text({ description: 'region of the clusters', default: 'us-central1' }),
  DATAPROC_API_ENDPOINT: optionalText({
    description: "host:port of Dataproc, http:// before it for plain text; default: the region's own",
  }),
  STORAGE_API_ENDPOINT: optionalText({ description: "base URL of Cloud Storage; default: Google's" }),
  BIGQUERY_API_ENDPOINT: optionalText({ description: "base URL of BigQuery; default: Google's" }),
  BQ_LOCATION: text({ description: 'location of the output dataset', default: 'US' }),
  DEPLOYMENT: text({
    description: 'name that tells deployments in one project apart: lower-case letters, digits, hyphens',
    default: 'default',
    pattern: '^[a-z][a-z0-9-]{0,30}$',
  }),
  SPARK_SCRIPT_URI: optionalText({
    description: 'the Spark script; default: gs://RAW_BUCKET/spark-jobs/spark_avg_speed.py',
    pattern: '^gs://',
  }),
  MAX_REJECTS: integer({
    description: 'unreadable records that a batch may hold',
    default: 1000,
    minimum: 0,
  }),
  MAX_REJECT_SHARE: number({
    description: 'the same as a share of the records read, 0 to 1; the stricter limit holds',
    default: 0.01,
    minimum: 0,
    maximum: 1,
  }),
  CREATE_CLUSTER_DEADLINE_MINUTES: integer({
    description: 'minutes until a creation counts as failed',
    default: 60,
    minimum: 1,
    maximum: 1440,
  }),
  SPARK_JOB_DEADLINE_MINUTES: integer({
    description: 'minutes until a Spark job counts as failed',
    default: 360,
    minimum: 1,
    maximum: 17_280,
  }),
  POLL_MINIMUM_MS: integer({
    description: 'milliseconds between the first looks at a cluster or job',
    default: 500,
    minimum: 50,
  }),
  POLL_MAXIMUM_MS: integer({
    description: 'milliseconds between two looks at a cluster or job, at most',
    default: 5000,
    minimum: 50,
  }),
  CLUSTER_IMAGE_VERSION: text({ description: 'Dataproc image version', default: '2.3-debian12' }),
  CLUSTER_MACHINE_TYPE: text({ description: 'machine type of master and workers', default: 'n1-standard-4' }),
  CLUSTER_WORKERS: integer({ description: 'worker machines', default: 2, minimum: 2 }),
  CLUSTER_ZONES: text({
    description: 'zones to try in turn, comma-separated; "auto" leaves the choice to Dataproc',
    default: 'auto',
  }),
  CLUSTER_SERVICE_ACCOUNT: optionalText({ description: "service account of the cluster's machines" }),
  CLUSTER_SUBNETWORK: optionalText({ description: "subnetwork of the cluster's machines" }),
  WORKER_HEALTH_HOST: text({ description: "address of the worker's health endpoint", default: '127.0.0.1' }),
  WORKER_HEALTH_PORT: integer({
    description: "port of the worker's health endpoint",
    default: 8081,
    minimum: 0,
  }),
}

const gatewayVariables = {
  ...temporalVariables,
  ...pipelineVariables,
  AUTHENTICATION: Type.Union([Type.Literal('id-token'), Type.Literal('iap')], {
    description:
      'how callers prove who they are: id-token (Google ID token) or iap (behind Identity-Aware Proxy)',
  }),
  IAP_CLIENT_ID: optionalText({ description: 'audience of ID tokens, comma-separated; needed by id-token' }),
  IAP_AUDIENCE: optionalText({ description: 'audience of IAP assertions, comma-separated; needed by iap' }),
  ALLOWED_CALLERS: text({ description: 'e-mail addresses that may call, comma-separated' }),
  GOOGLE_JWKS_URL: text({
    description: 'keys of Google ID tokens',
    default: 'https://www.googleapis.com/oauth2/v3/certs',
  }),
  IAP_JWKS_URL: text({
    description: 'keys of IAP assertions',
    default: 'https://www.gstatic.com/iap/verify/public_key-jwk',
  }),
  GATEWAY_REQUESTS_PER_MINUTE: integer({
    description: 'requests that one caller may send in a minute',
    default: 600,
    minimum: 1,
  }),
  GATEWAY_HOST: text({ description: 'address that the gateway listens on', default: '127.0.0.1' }),
  GATEWAY_PORT: integer({ description: 'port that the gateway listens on', default: 8080, minimum: 0 }),
}

/** The schemas behind `.env.example`, by process. */
export const VARIABLES: Readonly<Record<'worker' | 'gateway', TObject>> = {
  worker: Type.Object(workerVariables),
  gateway: Type.Object(gatewayVariables),
}

type Env = Readonly<Record<string, string | undefined>>

/**
 * The worker's configuration, read once and frozen.
 * @throws ConfigurationError with every fault
 */
export function loadWorkerConfig(env: Env = process.env): WorkerConfig {
  const v = readEnvironment(Type.Object(workerVariables), env)
  return Object.freeze({
    temporal: temporalOf(v),
    google: {
      project: v.GOOGLE_CLOUD_PROJECT,
      region: v.DATAPROC_REGION,
      ...(v.DATAPROC_API_ENDPOINT && { dataprocEndpoint: v.DATAPROC_API_ENDPOINT }),
      ...(v.STORAGE_API_ENDPOINT && { storageEndpoint: v.STORAGE_API_ENDPOINT }),
      ...(v.BIGQUERY_API_ENDPOINT && { bigqueryEndpoint: v.BIGQUERY_API_ENDPOINT }),
    },
    pipeline: {
      deployment: v.DEPLOYMENT,
      paths: pathRulesOf(v),
      outputTable: v.BQ_OUTPUT_TABLE.replace(':', '.'),
      bigqueryLocation: v.BQ_LOCATION,
      maxRejects: v.MAX_REJECTS,
      maxRejectShare: v.MAX_REJECT_SHARE,
      sparkScriptUri: v.SPARK_SCRIPT_URI ?? `gs://${v.RAW_BUCKET}/spark-jobs/spark_avg_speed.py`,
      createClusterDeadlineMinutes: v.CREATE_CLUSTER_DEADLINE_MINUTES,
      sparkJobDeadlineMinutes: v.SPARK_JOB_DEADLINE_MINUTES,
      polling: { minimum: v.POLL_MINIMUM_MS, maximum: v.POLL_MAXIMUM_MS },
    },
    cluster: {
      imageVersion: v.CLUSTER_IMAGE_VERSION,
      machineType: v.CLUSTER_MACHINE_TYPE,
      workers: v.CLUSTER_WORKERS,
      zones: v.CLUSTER_ZONES === 'auto' ? [] : listOf(v.CLUSTER_ZONES),
      ...(v.CLUSTER_SERVICE_ACCOUNT && { serviceAccount: v.CLUSTER_SERVICE_ACCOUNT }),
      ...(v.CLUSTER_SUBNETWORK && { subnetwork: v.CLUSTER_SUBNETWORK }),
    },
    health: { host: v.WORKER_HEALTH_HOST, port: v.WORKER_HEALTH_PORT },
    logLevel: v.LOG_LEVEL,
  })
}

/**
 * The gateway's configuration, read once and frozen. The chosen mode must have its audience.
 * @throws ConfigurationError with every fault
 */
export function loadGatewayConfig(env: Env = process.env): GatewayConfig {
  const audience = env['AUTHENTICATION'] === 'iap' ? 'IAP_AUDIENCE' : 'IAP_CLIENT_ID'
  const v = readEnvironment(
    Type.Object({
      ...gatewayVariables,
      [audience]: text({ description: 'audience that tokens must carry' }),
    }),
    env,
  )
  const iap = v.AUTHENTICATION === 'iap'
  return Object.freeze({
    temporal: temporalOf(v),
    pipeline: { paths: pathRulesOf(v), outputTable: v.BQ_OUTPUT_TABLE.replace(':', '.') },
    authentication: {
      mode: v.AUTHENTICATION,
      audiences: listOf(String(v[audience])),
      jwksUrl: iap ? v.IAP_JWKS_URL : v.GOOGLE_JWKS_URL,
      allowedCallers: listOf(v.ALLOWED_CALLERS.toLowerCase()),
    },
    requestsPerMinute: v.GATEWAY_REQUESTS_PER_MINUTE,
    host: v.GATEWAY_HOST,
    port: v.GATEWAY_PORT,
    logLevel: v.LOG_LEVEL,
  })
}

function temporalOf(v: {
  readonly TEMPORAL_ADDRESS: string
  readonly TEMPORAL_NAMESPACE: string
  readonly TEMPORAL_TASK_QUEUE: string
  readonly TEMPORAL_UI_URL: string
}): TemporalConfig {
  return {
    address: v.TEMPORAL_ADDRESS,
    namespace: v.TEMPORAL_NAMESPACE,
    taskQueue: v.TEMPORAL_TASK_QUEUE,
    uiUrl: v.TEMPORAL_UI_URL.replace(/\/+$/, ''),
  }
}

function pathRulesOf(v: {
  readonly RAW_BUCKET: string
  readonly PROCESSED_BUCKET: string
  readonly ALLOWED_BUCKETS?: string
}): PathRules {
  return {
    rawBucket: v.RAW_BUCKET,
    processedBucket: v.PROCESSED_BUCKET,
    allowedBuckets: listOf(v.ALLOWED_BUCKETS ?? v.RAW_BUCKET),
  }
}
