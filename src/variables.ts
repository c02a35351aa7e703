/** The variables that the processes read: what each is for, with its unit and default. `.env.example` is made of them. */

import { Type } from 'typebox'
import { WRITE_DISPOSITIONS } from '../workflows/contract.ts'
import { choice, integer, number, optionalInteger, optionalText, text } from './environment.ts'

/** Where Temporal is; read by every process. */
const temporalVariables = {
  TEMPORAL_ADDRESS: optionalText({
    description: "host:port of Temporal's frontend; default: the profile's, or else 127.0.0.1:7233",
  }),
  TEMPORAL_NAMESPACE: optionalText({
    description: "Temporal namespace; default: the profile's, or else default",
  }),
  TEMPORAL_API_KEY: optionalText({
    description: 'API key, as Temporal Cloud knows them; turns TLS on',
  }),
  TEMPORAL_TLS: Type.Optional(
    Type.Union([Type.Literal('true'), Type.Literal('false')], {
      description:
        'whether Temporal is reached by TLS; default: if there is an API key, or a variable of TLS is set',
    }),
  ),
  TEMPORAL_TLS_CLIENT_CERT_PATH: optionalText({
    description: 'file with the certificate of this client, for mTLS, in PEM',
  }),
  TEMPORAL_TLS_CLIENT_CERT_DATA: optionalText({ description: 'the same, as text' }),
  TEMPORAL_TLS_CLIENT_KEY_PATH: optionalText({
    description: 'file with the private key of that certificate, in PEM',
  }),
  TEMPORAL_TLS_CLIENT_KEY_DATA: optionalText({ description: 'the same, as text' }),
  TEMPORAL_TLS_SERVER_CA_CERT_PATH: optionalText({
    description:
      "file with the authority that signed the server's certificate, in PEM; default: those that Node knows",
  }),
  TEMPORAL_TLS_SERVER_CA_CERT_DATA: optionalText({ description: 'the same, as text' }),
  TEMPORAL_TLS_SERVER_NAME: optionalText({
    description: "name in the server's certificate; default: the host of the address",
  }),
  TEMPORAL_CONFIG_FILE: optionalText({
    description: "file with profiles, as Temporal's own tools keep them; what variables say comes first",
  }),
  TEMPORAL_PROFILE: optionalText({
    description:
      "profile to use, of that file or, without one, of the file where Temporal's own tools look; default: the profile `default` of TEMPORAL_CONFIG_FILE, if that is set",
  }),
  TEMPORAL_TASK_QUEUE: optionalText({
    description:
      'task queue of the worker, one for each deployment; default: average-speed, followed by -<DEPLOYMENT> unless that is default',
  }),
  TEMPORAL_UI_URL: text({
    description: "base URL of Temporal's Web UI, for links",
    default: 'http://127.0.0.1:8233',
  }),
}

// https://cloud.google.com/storage/docs/buckets#naming; a gs:// before it is a mistake that is easily made.
const BUCKET_NAME = '^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$'
// The value of a label too: https://cloud.google.com/storage/docs/tags-and-labels#bucket-labels
const STATE_BUCKET_NAME = '^[a-z0-9][a-z0-9_-]{1,61}[a-z0-9]$'

/** What the gateway and the worker must agree on. */
const pipelineVariables = {
  DEPLOYMENT: text({
    description:
      'name that tells deployments in one project or Temporal namespace apart: lower-case letters, digits, hyphens',
    default: 'default',
    pattern: '^[a-z][a-z0-9-]{0,30}$',
  }),
  RAW_BUCKET: text({ description: 'bucket of raw paths that are sent without one', pattern: BUCKET_NAME }),
  PROCESSED_BUCKET: text({
    description: 'bucket that archived batches are moved to',
    pattern: BUCKET_NAME,
  }),
  ALLOWED_BUCKETS: optionalText({
    description: 'buckets that a request may name, comma-separated; default: RAW_BUCKET',
  }),
  BQ_OUTPUT_TABLE: text({
    description: 'output table, project.dataset.table',
    pattern: '^[^.:`]+[.:][^.:`]+\\.[^.:`]+$',
  }),
  ALLOWED_TABLES: optionalText({
    description:
      'tables that a request may name beside BQ_OUTPUT_TABLE, comma-separated, each project.dataset.table, or project.dataset.* for those that the pipeline makes itself in that dataset; default: none',
  }),
  CALLER_FOLDERS: optionalText({
    description:
      'folders below which a request may put its transformed and failed records, comma-separated, each gs://bucket/folder/ or relative to RAW_BUCKET; default: none, so that they lie beside the raw path',
  }),
  LOG_LEVEL: text({ description: 'trace, debug, info, warn or error', default: 'info' }),
}

/** All that the worker reads. */
export const workerVariables = {
  ...temporalVariables,
  ...pipelineVariables,
  STATE_BUCKET: text({
    description:
      "bucket of the worker's own notes and of the scripts that clusters run; nobody but the worker may write there. Three to 63 characters, no dots",
    pattern: STATE_BUCKET_NAME,
  }),
  GOOGLE_CLOUD_PROJECT: text({ description: 'project of clusters and jobs' }),
  DATAPROC_REGION: text({
    description: 'region of the clusters',
    default: 'us-central1',
    pattern: '^[a-z][a-z0-9-]*$',
  }),
  DATAPROC_API_ENDPOINT: optionalText({
    description:
      "host:port of Dataproc, http:// before it for plain text; another than Google's gets no credentials; default: the region's own",
  }),
  STORAGE_API_ENDPOINT: optionalText({
    description:
      "base URL of Cloud Storage, https:// or a stand-in's by http:// on this machine or private network; another than Google's gets no credentials; default: Google's",
  }),
  BIGQUERY_API_ENDPOINT: optionalText({ description: "base URL of BigQuery; default: Google's" }),
  BQ_LOCATION: text({ description: 'location of the output dataset', default: 'US' }),
  MAX_CLUSTERS: integer({
    description: 'clusters that the deployment may have at a time; further runs are queued',
    default: 10,
    minimum: 1,
  }),
  SPARK_SCRIPT_URI: optionalText({
    description:
      'a Spark script of your own, gs://…; average-speed setup copies it to the state bucket, and jobs are given the copy; default: the one of this release',
    pattern: '^gs://',
  }),
  SPARK_ARGUMENTS: optionalText({
    description:
      'JSON list of arguments that the script is given after the standard ones; with {raw}, {transformed}, {rejected} or {manifest} in it, all its arguments',
  }),
  SPARK_PROPERTIES: optionalText({
    description: 'JSON object of Spark properties, such as {"spark.executor.memory": "4g"}',
  }),
  SPARK_PY_FILES: optionalText({
    description:
      'gs:// URIs of Python files that the script imports, comma-separated; copied as the script is',
  }),
  SPARK_JARS: optionalText({
    description: 'gs:// URIs of jars that the job needs, comma-separated; copied as the script is',
  }),
  WRITE_DISPOSITION: choice(WRITE_DISPOSITIONS, {
    description:
      'what a load does with the rows that the table has, unless a run says otherwise: WRITE_TRUNCATE replaces them, WRITE_APPEND keeps them; a batch that was loaded one way counts as not yet loaded the other way',
    default: 'WRITE_TRUNCATE',
  }),
  TABLE_SCHEMA_FILE: optionalText({
    description:
      "file with the columns of the script's CSV, as `bq show --schema --format=prettyjson` prints them; default: those of spark_avg_speed.py",
  }),
  TABLE_PARTITION_FIELD: optionalText({
    description: 'column by which a new table is partitioned: DATE, DATETIME or TIMESTAMP',
  }),
  TABLE_PARTITION_TYPE: choice(['HOUR', 'DAY', 'MONTH', 'YEAR'], {
    description: 'time that one partition spans',
    default: 'DAY',
  }),
  TABLE_PARTITION_EXPIRATION_DAYS: optionalInteger({
    description:
      'days after which BigQuery deletes a partition of a new table, counted from the time in its rows',
    minimum: 1,
  }),
  TABLE_CLUSTERING_FIELDS: optionalText({
    description: 'columns by which a new table is clustered, comma-separated, four at most',
  }),
  TABLE_LABELS: optionalText({
    description: 'labels of a new table, comma-separated, each name=value',
  }),
  JOB_LABELS: optionalText({
    description: 'labels of Spark and load jobs, comma-separated, each name=value',
  }),
  CSV_SKIP_LEADING_ROWS: integer({
    description: "lines at the top of each of the script's files that are no rows",
    default: 0,
    minimum: 0,
  }),
  CSV_FIELD_DELIMITER: text({
    description: "what separates the columns of the script's CSV: one character, or \\t",
    default: ',',
    pattern: '^(.|\\\\t)$',
  }),
  CSV_NULL_MARKER: optionalText({
    description: "what stands for null in the script's CSV; default: nothing at all",
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
  CREATION_SETTLE_MS: integer({
    description:
      'milliseconds after which a creation whose reply was lost is taken never to have arrived, if its cluster is still not there',
    default: 20_000,
    minimum: 0,
  }),
  CLUSTER_CONFIG_FILE: optionalText({
    description:
      "YAML file with the clusters' shape, as `gcloud dataproc clusters export` prints it; takes the place of the CLUSTER_ variables below, except CLUSTER_ZONES",
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
  WORKFLOW_BUNDLE: optionalText({
    description: 'file with the workflows, bundled; default: the worker bundles them at its start',
  }),
  WORKER_HEALTH_HOST: text({ description: "address of the worker's health endpoint", default: '127.0.0.1' }),
  WORKER_HEALTH_PORT: integer({
    description: "port of the worker's health endpoint",
    default: 8081,
    minimum: 0,
  }),
  WORKER_METRICS_HOST: text({
    description: "address of the worker's metrics for Prometheus",
    default: '127.0.0.1',
  }),
  WORKER_METRICS_PORT: integer({
    description: "port of the worker's metrics for Prometheus, at /metrics; 0: none",
    default: 0,
    minimum: 0,
    maximum: 65_535,
  }),
}

/** All that the gateway reads. */
export const gatewayVariables = {
  ...temporalVariables,
  ...pipelineVariables,
  AUTHENTICATION: Type.Union([Type.Literal('id-token'), Type.Literal('iap')], {
    description:
      'how callers prove who they are: id-token (Google ID token) or iap (behind Identity-Aware Proxy)',
  }),
  IAP_CLIENT_ID: optionalText({ description: 'audience of ID tokens, comma-separated; needed by id-token' }),
  IAP_AUDIENCE: optionalText({ description: 'audience of IAP assertions, comma-separated; needed by iap' }),
  ALLOWED_CALLERS: text({
    description: 'e-mail addresses that may call, comma-separated; each sees and acts on its own runs alone',
  }),
  OPERATORS: optionalText({
    description:
      'e-mail addresses that may call and see and act on all runs of the deployment, comma-separated; default: none',
  }),
  GATEWAY_SECRET: text({
    description:
      'key of the digests in cursors and of the pseudonyms of callers in search attributes, the same for every process of the gateway, at least 32 characters: openssl rand -hex 32',
    pattern: '^[!-~]{32,}$',
  }),
  GOOGLE_JWKS_URL: text({
    description: 'keys of Google ID tokens',
    default: 'https://www.googleapis.com/oauth2/v3/certs',
  }),
  IAP_JWKS_URL: text({
    description: 'keys of IAP assertions',
    default: 'https://www.gstatic.com/iap/verify/public_key-jwk',
  }),
  GATEWAY_REQUESTS_PER_MINUTE: integer({
    description:
      'requests that one caller may send in a minute; on pages that are open to all, one address in place of one caller',
    default: 600,
    minimum: 1,
  }),
  GATEWAY_REFUSALS_PER_MINUTE: integer({
    description:
      'requests without an accepted caller that one address may send in a minute; more get 429, and accepted callers are served all the same',
    default: 60,
    minimum: 1,
  }),
  GATEWAY_HOST: text({ description: 'address that the gateway listens on', default: '127.0.0.1' }),
  GATEWAY_PORT: integer({ description: 'port that the gateway listens on', default: 8080, minimum: 0 }),
  GATEWAY_METRICS_HOST: text({
    description: "address of the gateway's metrics for Prometheus",
    default: '127.0.0.1',
  }),
  GATEWAY_METRICS_PORT: integer({
    description: "port of the gateway's metrics for Prometheus, at /metrics, never the public one; 0: none",
    default: 0,
    minimum: 0,
    maximum: 65_535,
  }),
}

/** What only `average-speed setup`, `doctor` and `export` read, beside the worker's variables. */
export const setupVariables = {
  BUCKET_LOCATION: optionalText({
    description: 'location of the buckets that setup makes; default: BQ_LOCATION',
  }),
  BATCH_FOLDERS: text({
    description:
      'folders of the raw bucket that batches lie in, comma-separated; / is the bucket itself. What is temporary in them is deleted by a lifecycle rule',
    default: 'cloud-composer-lab',
  }),
  IAM_API_ENDPOINT: optionalText({
    description: "base URL of IAM and Resource Manager, which the doctor asks; default: Google's",
  }),
  TEMPORARY_FILE_DAYS: integer({
    description:
      'days after which the rule deletes transformed and rejected records; longer than a run can take',
    default: 30,
    minimum: 1,
  }),
}
