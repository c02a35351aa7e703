import { randomBytes } from 'node:crypto'

/** What the local project is called; production reads the same names from its own environment. */
export const LOCAL = {
  project: 'local-project',
  region: 'us-central1',
  rawBucket: 'local-project-raw',
  processedBucket: 'local-project-processed',
  stateBucket: 'local-project-state',
  dataset: 'ComposerDemo',
  table: 'local-project.ComposerDemo.nyc-tlc-yellow-trips',
  namespace: 'default',
  /** Audience of the ID tokens that triggers ask for. */
  iapClientId: '100000000001-local.apps.googleusercontent.com',
  /** Audience of IAP assertions. */
  iapAudience: '/projects/100000000001/global/backendServices/1000000000000000001',
} as const

/** Endpoints and names by environment variable, as production reads them too. */
export type CloudEnvironment = Record<string, string>

/** The variables that hold whatever services are up. */
export function constantEnvironment(): CloudEnvironment {
  return {
    GOOGLE_CLOUD_PROJECT: LOCAL.project,
    DATAPROC_REGION: LOCAL.region,
    RAW_BUCKET: LOCAL.rawBucket,
    PROCESSED_BUCKET: LOCAL.processedBucket,
    STATE_BUCKET: LOCAL.stateBucket,
    BQ_OUTPUT_TABLE: LOCAL.table,
    TEMPORAL_NAMESPACE: LOCAL.namespace,
    // What somebody's shell says of another Temporal must not reach this one.
    TEMPORAL_TLS: 'false',
    TEMPORAL_API_KEY: '',
    TEMPORAL_PROFILE: '',
    TEMPORAL_CONFIG_FILE: '',
    IAP_CLIENT_ID: LOCAL.iapClientId,
    IAP_AUDIENCE: LOCAL.iapAudience,
    AUTHENTICATION: 'id-token',
    GATEWAY_SECRET: randomBytes(32).toString('hex'),
  }
}

/** The text of a dotenv file. */
export function dotenv(environment: CloudEnvironment): string {
  return Object.entries(environment)
    .map(([name, value]) => `${name}=${JSON.stringify(value)}\n`)
    .join('')
}
