import { Type } from 'typebox'
import type { ClusterShape } from '../activities/context.ts'
import type { SparkJobOptions } from '../activities/spark-arguments.ts'
import type { LoadOptions, TableShape } from '../activities/table-schema.ts'
import { PIPELINE, type WriteDisposition } from '../workflows/contract.ts'
import type { PathRules } from '../workflows/paths.ts'
import { DATAPROC_BUCKETS } from './bucket-conditions.ts'
import { type CallerRules, callerRules } from './caller-rules.ts'
import { clusterShape } from './cluster-shape.ts'
import { lowerCase } from './email.ts'
import { endpointFault, grpcUrl } from './endpoints.ts'
import { ConfigurationError, checkEnvironment, listOf, refuseFaults, text } from './environment.ts'
import { credentialFaults } from './google-credentials.ts'
import { withoutEndSlashes } from './slashes.ts'
import { sparkOptions } from './spark-options.ts'
import { tableOptions } from './table-options.ts'
import { readTemporalAccess, type TemporalAccess } from './temporal-access.ts'
import { gatewayVariables, setupVariables, workerVariables } from './variables.ts'

/** Where Temporal is, and what is ours there. */
export interface TemporalConfig extends TemporalAccess {
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
export interface PipelineConfig extends CallerRules {
  /** Tells the clusters and runs of one deployment from another's. */
  readonly deployment: string
  /** Clusters that the deployment may have at a time; further runs wait. */
  readonly maxClusters: number
  readonly paths: PathRules
  /** Where the worker keeps its own notes, and the scripts that clusters run. */
  readonly stateBucket: string
  readonly outputTable: string
  readonly writeDisposition: WriteDisposition
  readonly bigqueryLocation: string
  readonly maxRejects: number
  readonly maxRejectShare: number
  readonly createClusterDeadlineMinutes: number
  readonly sparkJobDeadlineMinutes: number
  /** Pauses between two looks at a cluster or job, in milliseconds. */
  readonly polling: { readonly minimum: number; readonly maximum: number }
  /** Milliseconds after which a creation whose reply was lost is taken never to have arrived. */
  readonly settleMs: number
}

/** Where a process serves its metrics for Prometheus. */
export interface MetricsConfig {
  readonly host: string
  readonly port: number
}

export interface WorkerConfig {
  readonly temporal: TemporalConfig
  readonly google: GoogleConfig
  readonly pipeline: PipelineConfig
  readonly cluster: ClusterShape
  readonly spark: SparkJobOptions
  readonly load: LoadOptions
  /** What was left out of the configuration and does no harm, a sentence each, for the log. */
  readonly notes: readonly string[]
  /** A file with the workflows, bundled; absent: the worker bundles them at its start. */
  readonly workflowBundle?: string
  readonly health: { readonly host: string; readonly port: number }
  /** Absent: none are served. */
  readonly metrics?: MetricsConfig
  readonly logLevel: string
}

/** How callers prove who they are: Google ID tokens in `Authorization`, or the assertion that IAP adds. */
export interface AuthenticationConfig {
  readonly mode: 'id-token' | 'iap'
  readonly audiences: readonly string[]
  readonly jwksUrl: string
  /** E-mail addresses, in lower case; operators are among them. */
  readonly allowedCallers: readonly string[]
  /** Those of them that see and act on all runs. */
  readonly operators: readonly string[]
}

export interface GatewayConfig {
  readonly temporal: TemporalConfig
  readonly pipeline: Pick<PipelineConfig, 'deployment' | 'paths' | 'outputTable' | keyof CallerRules>
  readonly authentication: AuthenticationConfig
  /** Key of the digests in cursors and of callers' pseudonyms. */
  readonly secret: string
  /** What one caller may send. */
  readonly requestsPerMinute: number
  /** What one address may send without an accepted caller. */
  readonly refusalsPerMinute: number
  readonly host: string
  readonly port: number
  /** Absent: none are served. */
  readonly metrics?: MetricsConfig
  readonly logLevel: string
}

/** What set-up makes, and the doctor looks for. */
export interface SetupConfig {
  readonly temporal: TemporalConfig
  readonly google: GoogleConfig
  readonly pipeline: PipelineConfig
  readonly spark: SparkJobOptions
  /** The account of the clusters' machines, if one is set. */
  readonly clusterServiceAccount?: string
  /** Stands in for IAM and Resource Manager. */
  readonly iamEndpoint?: string
  /** The output table, as set-up makes it. */
  readonly table: TableShape
  readonly bucketLocation: string
  /** Prefixes of the raw bucket that batches lie below; each ends in a slash, or is empty for the bucket itself. */
  readonly batchFolders: readonly string[]
  readonly temporaryFileDays: number
}

type Env = Readonly<Record<string, string | undefined>>

/**
 * The worker's configuration, read once and frozen.
 * @throws ConfigurationError with every fault
 */
export function loadWorkerConfig(env: Env = process.env): WorkerConfig {
  const { values: v, faults } = checkEnvironment(Type.Object(workerVariables), env)
  const { access, faults: accessFaults } = readTemporalAccess(env)
  const cluster = clusterShape(v, env)
  const { spark, faults: sparkFaults } = sparkOptions(v)
  const { load, faults: tableFaults } = tableOptions(v)
  const paths = pathRulesOf(v)
  const callers = callerRules(v, paths)
  refuseFaults([
    ...faults,
    ...ownBucketFaults(v.STATE_BUCKET, paths),
    ...callers.faults,
    ...endpointFaults({
      DATAPROC_API_ENDPOINT: v.DATAPROC_API_ENDPOINT && grpcUrl(v.DATAPROC_API_ENDPOINT),
      STORAGE_API_ENDPOINT: v.STORAGE_API_ENDPOINT,
      BIGQUERY_API_ENDPOINT: v.BIGQUERY_API_ENDPOINT,
    }),
    ...credentialFaults(env),
    ...accessFaults,
    ...cluster.faults,
    ...sparkFaults,
    ...tableFaults,
  ])
  return Object.freeze({
    temporal: temporalOf(access, v),
    google: {
      project: v.GOOGLE_CLOUD_PROJECT,
      region: v.DATAPROC_REGION,
      ...(v.DATAPROC_API_ENDPOINT && { dataprocEndpoint: v.DATAPROC_API_ENDPOINT }),
      ...(v.STORAGE_API_ENDPOINT && { storageEndpoint: v.STORAGE_API_ENDPOINT }),
      ...(v.BIGQUERY_API_ENDPOINT && { bigqueryEndpoint: v.BIGQUERY_API_ENDPOINT }),
    },
    pipeline: {
      deployment: v.DEPLOYMENT,
      maxClusters: v.MAX_CLUSTERS,
      paths,
      ...callers.rules,
      stateBucket: v.STATE_BUCKET,
      outputTable: v.BQ_OUTPUT_TABLE.replace(':', '.'),
      writeDisposition: v.WRITE_DISPOSITION,
      bigqueryLocation: v.BQ_LOCATION,
      maxRejects: v.MAX_REJECTS,
      maxRejectShare: v.MAX_REJECT_SHARE,
      createClusterDeadlineMinutes: v.CREATE_CLUSTER_DEADLINE_MINUTES,
      sparkJobDeadlineMinutes: v.SPARK_JOB_DEADLINE_MINUTES,
      polling: { minimum: v.POLL_MINIMUM_MS, maximum: v.POLL_MAXIMUM_MS },
      settleMs: v.CREATION_SETTLE_MS,
    },
    cluster: cluster.shape,
    spark,
    load,
    notes: cluster.notes,
    ...(v.WORKFLOW_BUNDLE && { workflowBundle: v.WORKFLOW_BUNDLE }),
    health: { host: v.WORKER_HEALTH_HOST, port: v.WORKER_HEALTH_PORT },
    ...metricsOf(v.WORKER_METRICS_HOST, v.WORKER_METRICS_PORT),
    logLevel: v.LOG_LEVEL,
  })
}

/**
 * The configuration of set-up: the worker's, and what only set-up reads. Read once and frozen.
 * @throws ConfigurationError with every fault
 */
export function loadSetupConfig(env: Env = process.env): SetupConfig {
  const { values: v, faults } = checkEnvironment(Type.Object(setupVariables), env)
  const { temporal, google, pipeline, cluster, spark, load } = workerConfigWith(
    [...faults, ...endpointFaults({ IAM_API_ENDPOINT: v.IAM_API_ENDPOINT })],
    env,
  )
  const machines = cluster.config.gceClusterConfig?.serviceAccount
  return Object.freeze({
    temporal,
    google,
    pipeline,
    spark,
    ...(machines && { clusterServiceAccount: machines }),
    ...(v.IAM_API_ENDPOINT && { iamEndpoint: v.IAM_API_ENDPOINT }),
    table: load.table,
    bucketLocation: v.BUCKET_LOCATION ?? pipeline.bigqueryLocation,
    batchFolders: listOf(v.BATCH_FOLDERS).map(prefixOf),
    temporaryFileDays: v.TEMPORARY_FILE_DAYS,
  })
}

/** @throws ConfigurationError with the worker's faults and those that were found before */
function workerConfigWith(faults: readonly string[], env: Env): WorkerConfig {
  try {
    const config = loadWorkerConfig(env)
    refuseFaults(faults)
    return config
  } catch (error) {
    if (!(error instanceof ConfigurationError) || error.faults === faults) throw error
    throw new ConfigurationError([...error.faults, ...faults])
  }
}

/** Whether the environment has settings of a gateway at all: a worker's machine need not. */
export function hasGatewaySettings(env: Env = process.env): boolean {
  return ['AUTHENTICATION', 'ALLOWED_CALLERS', 'IAP_AUDIENCE'].some((name) => Boolean(env[name]))
}

/** Whether the environment names a file with Google credentials. */
export function namesCredentials(env: Env = process.env): boolean {
  return Boolean(env['GOOGLE_APPLICATION_CREDENTIALS'])
}

/** Lets a dotenv file set what the environment does not. @throws Error when it cannot be read */
export function loadEnvFile(path: string): void {
  process.loadEnvFile(path)
}

function prefixOf(folder: string): string {
  const name = withoutEndSlashes(folder.replace(/^\/+/, ''))
  return name === '' ? '' : `${name}/`
}

/**
 * The gateway's configuration, read once and frozen. The chosen mode must have its audience.
 * @throws ConfigurationError with every fault
 */
export function loadGatewayConfig(env: Env = process.env): GatewayConfig {
  const { access, faults: accessFaults } = readTemporalAccess(env)
  const audience = env['AUTHENTICATION'] === 'iap' ? 'IAP_AUDIENCE' : 'IAP_CLIENT_ID'
  const { values: v, faults } = checkEnvironment(
    Type.Object({
      ...gatewayVariables,
      [audience]: text({ description: 'audience that tokens must carry' }),
    }),
    env,
  )
  const paths = pathRulesOf(v)
  const callers = callerRules(v, paths)
  const { GOOGLE_JWKS_URL, IAP_JWKS_URL } = v
  refuseFaults([
    ...faults,
    ...ownBucketFaults(undefined, paths),
    ...callers.faults,
    ...endpointFaults({ GOOGLE_JWKS_URL, IAP_JWKS_URL }),
    ...accessFaults,
  ])
  const iap = v.AUTHENTICATION === 'iap'
  const operators = listOf(lowerCase(v.OPERATORS ?? ''))
  return Object.freeze({
    temporal: temporalOf(access, v),
    pipeline: {
      deployment: v.DEPLOYMENT,
      paths,
      ...callers.rules,
      outputTable: v.BQ_OUTPUT_TABLE.replace(':', '.'),
    },
    authentication: {
      mode: v.AUTHENTICATION,
      audiences: listOf(String(v[audience])),
      jwksUrl: iap ? v.IAP_JWKS_URL : v.GOOGLE_JWKS_URL,
      allowedCallers: [...new Set([...listOf(lowerCase(v.ALLOWED_CALLERS)), ...operators])],
      operators,
    },
    secret: v.GATEWAY_SECRET,
    requestsPerMinute: v.GATEWAY_REQUESTS_PER_MINUTE,
    refusalsPerMinute: v.GATEWAY_REFUSALS_PER_MINUTE,
    host: v.GATEWAY_HOST,
    port: v.GATEWAY_PORT,
    ...metricsOf(v.GATEWAY_METRICS_HOST, v.GATEWAY_METRICS_PORT),
    logLevel: v.LOG_LEVEL,
  })
}

function metricsOf(host: string, port: number): { readonly metrics?: MetricsConfig } {
  return port === 0 ? {} : { metrics: { host, port } }
}

function temporalOf(
  access: TemporalAccess,
  v: {
    readonly TEMPORAL_TASK_QUEUE?: string
    readonly TEMPORAL_UI_URL: string
    readonly DEPLOYMENT: string
  },
): TemporalConfig {
  return {
    ...access,
    taskQueue: v.TEMPORAL_TASK_QUEUE ?? taskQueueOf(v.DEPLOYMENT),
    uiUrl: withoutEndSlashes(v.TEMPORAL_UI_URL),
  }
}

/** Each deployment has its own, so that no worker takes the tasks of another's. */
function taskQueueOf(deployment: string): string {
  return deployment === 'default' ? PIPELINE : `${PIPELINE}-${deployment}`
}

/** Notes and archived batches among what others can write would be theirs to forge. */
function ownBucketFaults(stateBucket: string | undefined, paths: PathRules): readonly string[] {
  const { rawBucket, processedBucket, allowedBuckets } = paths
  const own = { STATE_BUCKET: stateBucket, PROCESSED_BUCKET: processedBucket }
  const faults = Object.entries(own)
    .filter(([, name]) => DATAPROC_BUCKETS.some((begin) => name?.startsWith(begin)))
    .map(
      ([variable]) =>
        `${variable} must not begin with ${DATAPROC_BUCKETS.join(' or ')}: every cluster may write to such buckets`,
    )
  if (stateBucket && [rawBucket, processedBucket, ...allowedBuckets].includes(stateBucket)) {
    faults.push(
      'STATE_BUCKET must be a bucket of its own, not RAW_BUCKET, PROCESSED_BUCKET or one of ALLOWED_BUCKETS',
    )
  }
  if (processedBucket && [rawBucket, ...allowedBuckets].includes(processedBucket)) {
    faults.push(
      'PROCESSED_BUCKET must be a bucket of its own, not RAW_BUCKET or one of ALLOWED_BUCKETS: exporters and clusters write to those',
    )
  }
  return faults
}

/** A sentence for each URL that would have credentials, data or keys go where others can read or forge them. */
function endpointFaults(endpoints: Readonly<Record<string, string | undefined>>): readonly string[] {
  return Object.entries(endpoints).flatMap(([name, endpoint]) => {
    const fault = endpoint === undefined ? undefined : endpointFault(endpoint)
    return fault === undefined ? [] : [`${name} ${endpoint} ${fault}`]
  })
}

/** Also of values that have faults, since all faults are found before any is reported. */
function pathRulesOf(v: {
  readonly RAW_BUCKET?: string
  readonly PROCESSED_BUCKET?: string
  readonly ALLOWED_BUCKETS?: string
}): PathRules {
  const { RAW_BUCKET: rawBucket = '', PROCESSED_BUCKET: processedBucket = '' } = v
  return { rawBucket, processedBucket, allowedBuckets: listOf(v.ALLOWED_BUCKETS ?? rawBucket) }
}
