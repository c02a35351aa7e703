import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Client } from '@temporalio/client'
import { msToTs } from '@temporalio/common/lib/time.js'
import { connectTemporal, createStorage } from '../../src/clients.ts'
import { loadSetupConfig } from '../../src/config.ts'
import { examineClock } from '../../src/doctor/clock.ts'
import { examineDeployment } from '../../src/doctor/doctor.ts'
import { reaperScheduleId } from '../../src/setup/reaper-schedule.ts'
import { setUp } from '../../src/setup/setup.ts'
import { readSparkScript } from '../../src/spark-script.ts'
import { runCli } from '../cli/support/run-cli.ts'
import { Control } from '../support/control.ts'
import { startCloud, type TestCloud } from '../support/local-cloud.ts'
import { until } from '../support/until.ts'

const SETUP = 'average-speed setup'
const MEMBER = 'serviceAccount:on-prem-trigger@local-project.iam.gserviceaccount.com'

let cloud: TestCloud
let env: Record<string, string>
let temporal: Client
let polling: Promise<void>
const stopped = new AbortController()
let storage: ReturnType<typeof createStorage>
let controls: Record<'storage' | 'bigquery' | 'dataproc' | 'identity', Control>

beforeAll(async () => {
  cloud = await startCloud({ services: ['storage', 'identity', 'dataproc', 'bigquery', 'temporal'] })
  env = { ...cloud.env }
  process.env['GOOGLE_APPLICATION_CREDENTIALS'] = cloud.get('GOOGLE_APPLICATION_CREDENTIALS')
  const config = loadSetupConfig(env)
  await setUp(config, { dryRun: false, tell: () => undefined })
  temporal = await connectTemporal(config.temporal)
  storage = createStorage(config.google)
  controls = {
    storage: new Control(cloud.get('STORAGE_CONTROL_URL')),
    bigquery: new Control(cloud.get('BIGQUERY_CONTROL_URL')),
    dataproc: new Control(cloud.get('DATAPROC_CONTROL_URL')),
    identity: new Control(cloud.get('IDENTITY_CONTROL_URL')),
  }
  const workflowExecutionRetentionPeriod = msToTs('1 day')
  await temporal.connection.workflowService.registerNamespace({
    namespace: 'bare',
    workflowExecutionRetentionPeriod,
  })
  await until('the new namespace is known', async () => {
    const listed = temporal.connection.operatorService.listSearchAttributes({ namespace: 'bare' })
    return listed.then(
      () => true,
      () => false,
    )
  })
  polling = poll(stopped.signal)
  await until('the server has seen a worker', async () => {
    const { pollers } = await temporal.connection.workflowService.describeTaskQueue({
      namespace: 'default',
      taskQueue: { name: 'average-speed' },
      taskQueueType: 2,
    })
    return (pollers ?? []).length > 0
  })
}, 120_000)
afterAll(async () => {
  stopped.abort()
  await polling
  await temporal?.connection.close()
  await cloud?.close()
})

/** Asks for tasks as a worker does, until told to stop. */
async function poll(signal: AbortSignal): Promise<void> {
  const { workflowService } = temporal
  const request = { namespace: 'default', taskQueue: { name: 'average-speed' }, identity: 'a worker' }
  const ask = async (call: () => Promise<unknown>): Promise<void> => {
    while (!signal.aborted) {
      await temporal
        .withAbortSignal(signal, () => temporal.withDeadline(Date.now() + 60_000, call))
        .catch(() => undefined)
    }
  }
  await Promise.all([
    ask(() => workflowService.pollWorkflowTaskQueue(request)),
    ask(() => workflowService.pollActivityTaskQueue(request)),
  ])
}

/** All faults, each as `sentence -> remedy`. */
async function faultsWith(variables: Readonly<Record<string, string>> = {}): Promise<string[]> {
  const findings = await examineDeployment({ env: { ...env, ...variables }, tell: () => undefined })
  return findings.filter(({ state }) => state === 'fault').map(({ says, remedy }) => `${says} -> ${remedy}`)
}

interface Plant {
  /** Plants the fault and returns what takes it away; or the settings that make it. */
  readonly plant: () => Promise<() => Promise<unknown>>
  readonly settings?: Readonly<Record<string, string>>
  /** All that is found, no more. */
  readonly found: readonly string[]
}

type Bucket = ReturnType<typeof storage.bucket>

const nothing = async () => async () => undefined

const scriptName = `scripts/${readSparkScript().sha256}/spark_avg_speed.py`
const script = () => storage.bucket('local-project-state').file(scriptName)
const restoreScript = () => script().save(readSparkScript().content, { resumable: false })
const scriptUri = `gs://local-project-state/${scriptName}`
const schedule = () => temporal.schedule.getHandle(reaperScheduleId('default'))
const TABLE = 'local-project.ComposerDemo.nyc-tlc-yellow-trips'

const PLANTS: Readonly<Record<string, Plant>> = {
  'a missing bucket': {
    plant: nothing,
    settings: { PROCESSED_BUCKET: 'nowhere' },
    found: [`There is no bucket gs://nowhere. -> ${SETUP}`],
  },
  'a missing raw bucket, without all that would be in it': {
    plant: nothing,
    settings: { RAW_BUCKET: 'nowhere' },
    found: [`There is no bucket gs://nowhere. -> ${SETUP}`],
  },
  'a state bucket that is not kept from public access': {
    async plant() {
      const bucket = storage.bucket('local-project-state')
      const [{ iamConfiguration }] = await bucket.getMetadata()
      const inherited = { ...iamConfiguration, publicAccessPrevention: 'inherited' }
      await bucket.setMetadata({ iamConfiguration: inherited })
      return () => bucket.setMetadata({ iamConfiguration: iamConfiguration ?? {} })
    },
    found: [
      `The state bucket gs://local-project-state is not kept from public access, or lets objects have access of their own. -> ${SETUP}`,
    ],
  },
  'a bucket that bears no label': {
    plant: () => label(storage.bucket('local-project-raw'), null),
    found: [
      `The bucket gs://local-project-raw bears no label that says which deployment's it is. -> ${SETUP}`,
    ],
  },
  'a bucket of another deployment': {
    plant: () => label(storage.bucket('local-project-processed'), 'other-state'),
    found: [
      'The bucket gs://local-project-processed belongs to the deployment whose state bucket is other-state (label state_bucket). -> Set STATE_BUCKET=other-state if the two are one, or name another by PROCESSED_BUCKET; take the label off only if that deployment is no more.',
    ],
  },
  'a bucket of requests that is not there': {
    plant: nothing,
    settings: { ALLOWED_BUCKETS: 'local-project-raw, nowhere' },
    found: ['There is no bucket gs://nowhere. -> Create it, or take it out of ALLOWED_BUCKETS.'],
  },
  'a missing lifecycle rule': {
    async plant() {
      const bucket = storage.bucket('local-project-raw')
      const [{ lifecycle }] = await bucket.getMetadata()
      await bucket.setMetadata({ lifecycle: null })
      return () => bucket.setMetadata({ lifecycle: lifecycle ?? null })
    },
    found: [
      `No lifecycle rule deletes what is 30 days old and temporary in gs://local-project-raw/cloud-composer-lab/. -> ${SETUP}`,
    ],
  },
  'a missing dataset': {
    plant: nothing,
    settings: { BQ_OUTPUT_TABLE: 'local-project.Nowhere.trips' },
    found: [`There is no dataset local-project.Nowhere. -> ${SETUP}`],
  },
  'a missing table': {
    plant: nothing,
    settings: { BQ_OUTPUT_TABLE: 'local-project.ComposerDemo.nothing' },
    found: [`There is no table local-project.ComposerDemo.nothing. -> ${SETUP}`],
  },
  'a dataset in another location than the settings say, from where the bucket cannot be loaded': {
    plant: nothing,
    settings: { BQ_LOCATION: 'europe-west1' },
    found: [
      'The bucket gs://local-project-raw is in US, from which BigQuery loads nothing into a dataset in europe-west1. -> Name a bucket in europe-west1 by RAW_BUCKET, or a dataset in US by BQ_OUTPUT_TABLE and BQ_LOCATION.',
      'The dataset local-project.ComposerDemo is in US, and BQ_LOCATION says europe-west1. -> Set BQ_LOCATION=US, or name another dataset by BQ_OUTPUT_TABLE.',
    ],
  },
  'a missing Spark script': {
    async plant() {
      await script().delete()
      return restoreScript
    },
    found: [`There is no Spark script ${scriptUri}. -> ${SETUP}`],
  },
  'a Spark script that somebody has changed': {
    async plant() {
      await script().save('print("edited by hand")', { resumable: false })
      return restoreScript
    },
    found: [`The Spark script ${scriptUri} is not the one of this release. -> ${SETUP}`],
  },
  'a script of one’s own that is not there': {
    plant: nothing,
    settings: { SPARK_SCRIPT_URI: 'gs://local-project-raw/mine.py' },
    found: [
      'There is no Spark file gs://local-project-raw/mine.py. -> gcloud storage cp <your file> gs://local-project-raw/mine.py, or correct SPARK_SCRIPT_URI.',
    ],
  },
  'permissions on objects that are missing': {
    async plant() {
      await controls.storage.put('/permissions', { denied: ['storage.objects.delete'] })
      return () => controls.storage.put('/permissions', { denied: [] })
    },
    found: ['local-project-state', 'local-project-raw', 'local-project-processed'].map(
      (bucket) =>
        `This identity lacks storage.objects.delete on gs://${bucket}. -> gcloud storage buckets add-iam-policy-binding gs://${bucket} --member=${MEMBER} --role=roles/storage.objectUser`,
    ),
  },
  'permissions on the table that are missing': {
    async plant() {
      await controls.bigquery.put('/settings', { deniedPermissions: ['bigquery.tables.updateData'] })
      return () => controls.bigquery.put('/settings', { deniedPermissions: [] })
    },
    found: [
      `This identity lacks bigquery.tables.updateData on ${TABLE}. -> bq query --nouse_legacy_sql 'GRANT \`roles/bigquery.dataEditor\` ON SCHEMA \`local-project.ComposerDemo\` TO "${MEMBER}"'`,
    ],
  },
  'a BigQuery that takes no jobs of this identity': {
    plant: () =>
      fault('bigquery', 'jobs.insert', {
        code: 403,
        reason: 'accessDenied',
        message: 'No bigquery.jobs.create.',
      }),
    found: [
      `Could not ask BigQuery for a job in US: No bigquery.jobs.create. -> gcloud projects add-iam-policy-binding local-project --member=${MEMBER} --role=roles/bigquery.jobUser`,
    ],
  },
  'a Dataproc that refuses this identity': {
    plant: () =>
      fault('dataproc', 'ListClusters', {
        code: 'PERMISSION_DENIED',
        message: 'Not authorized to requested resource.',
      }),
    found: [
      `Could not see Dataproc's clusters in us-central1: Not authorized to requested resource. -> gcloud projects add-iam-policy-binding local-project --member=${MEMBER} --role=roles/dataproc.editor`,
    ],
  },
  'permissions on clusters and jobs that are missing': {
    plant: () => deny(['dataproc.clusters.create', 'dataproc.jobs.create']),
    found: [
      `This identity lacks dataproc.clusters.create, dataproc.jobs.create on the project local-project. -> gcloud projects add-iam-policy-binding local-project --member=${MEMBER} --role=roles/dataproc.editor`,
    ],
  },
  'an account of the clusters that this identity may not act as': {
    plant: () => deny(['iam.serviceAccounts.actAs']),
    settings: { CLUSTER_SERVICE_ACCOUNT: 'cluster@local-project.iam.gserviceaccount.com' },
    found: [
      `This identity may not act as cluster@local-project.iam.gserviceaccount.com, the account of the clusters' machines. -> gcloud iam service-accounts add-iam-policy-binding cluster@local-project.iam.gserviceaccount.com --project=local-project --member=${MEMBER} --role=roles/iam.serviceAccountUser`,
    ],
  },
  'an API that is not enabled': {
    plant: () =>
      fault('storage', 'objects.get', {
        code: 403,
        reason: 'accessNotConfigured',
        message: 'Cloud Storage JSON API has not been used in project 1 before or it is disabled.',
      }),
    found: [
      'The API of Cloud Storage (storage.googleapis.com) is not enabled in the project local-project. -> gcloud services enable storage.googleapis.com --project=local-project',
    ],
  },
  'a schedule that is paused': {
    async plant() {
      await schedule().pause('a test')
      return () => schedule().unpause()
    },
    found: [
      'The schedule reap-orphan-clusters-default is paused, so nothing sweeps for orphaned clusters. -> temporal schedule toggle --unpause --schedule-id reap-orphan-clusters-default --namespace default',
    ],
  },
  'a schedule that is missing': {
    plant: nothing,
    settings: { DEPLOYMENT: 'other' },
    found: [
      `There is no schedule reap-orphan-clusters-other, so nothing sweeps for orphaned clusters. -> ${SETUP}`,
      'No worker asks the task queue average-speed-other for workflows and activities, so runs wait. -> node src/worker/main.ts (or docker compose up -d worker), with TEMPORAL_TASK_QUEUE=average-speed-other',
    ],
  },
  'a task queue that no worker polls': {
    plant: nothing,
    settings: { TEMPORAL_TASK_QUEUE: 'forgotten' },
    found: [
      `The schedule reap-orphan-clusters-default is not the one of this release. -> ${SETUP}`,
      'No worker asks the task queue forgotten for workflows and activities, so runs wait. -> node src/worker/main.ts (or docker compose up -d worker), with TEMPORAL_TASK_QUEUE=forgotten',
    ],
  },
  'a namespace that keeps runs for a day, without search attributes': {
    plant: nothing,
    settings: { TEMPORAL_NAMESPACE: 'bare' },
    found: [
      'The namespace bare keeps closed runs for 1 days only, so the id of an older run could start it again. -> temporal operator namespace update --namespace bare --retention 720h',
      `The namespace bare lacks the search attributes RunStep, RawPath, ClusterName, Owner, Deployment, RowsLoaded, TeardownPending, LogicalDate. -> ${SETUP}`,
      `There is no schedule reap-orphan-clusters-default, so nothing sweeps for orphaned clusters. -> ${SETUP}`,
      'No worker asks the task queue average-speed for workflows and activities, so runs wait. -> node src/worker/main.ts (or docker compose up -d worker), with TEMPORAL_TASK_QUEUE=average-speed',
    ],
  },
  'a namespace that is missing': {
    plant: nothing,
    settings: { TEMPORAL_NAMESPACE: 'nowhere' },
    found: [`There is no Temporal namespace nowhere. -> ${SETUP}`],
  },
  'a setting that the gateway would refuse': {
    plant: nothing,
    settings: { AUTHENTICATION: 'iap', IAP_AUDIENCE: '' },
    found: [
      'IAP_AUDIENCE is missing (audience that tokens must carry). -> Set it in .env; docs/configuration.md lists all settings.',
    ],
  },
}

async function label(bucket: Bucket, owner: string | null): Promise<() => Promise<unknown>> {
  await bucket.setMetadata({ labels: { state_bucket: owner } })
  return () => bucket.setMetadata({ labels: { state_bucket: 'local-project-state' } })
}

async function deny(denied: readonly string[]): Promise<() => Promise<unknown>> {
  await controls.identity.put('/permissions', { denied })
  return () => controls.identity.put('/permissions', { denied: [] })
}

async function fault(
  where: keyof typeof controls,
  on: string,
  error: object,
): Promise<() => Promise<unknown>> {
  await controls[where].addFault({ on, kind: 'error', times: 100, ...error })
  return () => controls[where].clear()
}

describe('average-speed doctor', () => {
  test('finds nothing where nothing is missing, and changes nothing', async () => {
    for (const control of Object.values(controls)) await control.clear()
    expect(await faultsWith()).toEqual([])
    const calls = await Promise.all(Object.values(controls).map((control) => control.calls()))
    const changing = calls
      .flatMap((counts) => Object.keys(counts))
      .filter((call) => !/\.(get|list|testIamPermissions)$|^List|^(token|certs)$/.test(call))
    // A dry run is the only call that is not a look, and makes nothing.
    expect(changing).toEqual(['jobs.insert'])
  })

  test.each(Object.entries(PLANTS))(
    'finds %s, and names the remedy',
    async (_name, { plant, settings, found }) => {
      const undo = await plant()
      try {
        expect(await faultsWith(settings)).toEqual(found)
      } finally {
        await undo()
      }
    },
  )

  test('does without the API that tells permissions, since runs do', async () => {
    const message = 'Cloud Resource Manager API has not been used in project 1 before or it is disabled.'
    const undo = await fault('identity', 'projects.testIamPermissions', { code: 403, message })
    const findings = await examineDeployment({ env, tell: () => undefined })
    await undo()
    expect(findings.filter(({ state }) => state === 'fault')).toEqual([])
    expect(findings).toContainEqual({
      state: 'skipped',
      says: expect.stringMatching(/gcloud services enable cloudresourcemanager\.googleapis\.com$/),
    })
  })

  test('says that Temporal cannot be reached, and looks at the rest', async () => {
    const faults = await faultsWith({ TEMPORAL_ADDRESS: '127.0.0.1:1', PROCESSED_BUCKET: 'nowhere' })
    expect(faults).toEqual([
      expect.stringContaining('gs://nowhere'),
      expect.stringMatching(
        /^Temporal at 127\.0\.0\.1:1 cannot be used: .* -> Start it, or correct TEMPORAL_ADDRESS/s,
      ),
    ])
  })

  test('names every setting that is missing, at once', async () => {
    const findings = await examineDeployment({
      env: { TEMPORARY_FILE_DAYS: '0', AUTHENTICATION: 'none' },
      tell: () => undefined,
    })
    const says = findings.filter(({ state }) => state === 'fault').map((finding) => finding.says)
    for (const name of [
      'GOOGLE_CLOUD_PROJECT',
      'RAW_BUCKET',
      'PROCESSED_BUCKET',
      'STATE_BUCKET',
      'BQ_OUTPUT_TABLE',
      'TEMPORARY_FILE_DAYS',
      'AUTHENTICATION',
      'ALLOWED_CALLERS',
      'IAP_CLIENT_ID',
    ]) {
      expect(says.filter((line) => line.startsWith(`${name} `))).toHaveLength(1)
    }
  })

  test('notices a clock that is wrong', async () => {
    const url = cloud.get('STORAGE_API_ENDPOINT')
    expect(await examineClock(url)).toMatchObject({ state: 'ok' })
    expect(await examineClock(url, () => Date.now() + 3_600_000)).toMatchObject({
      state: 'fault',
      says: expect.stringMatching(/clock is (3600|3601|3599) seconds fast/),
      remedy: 'sudo timedatectl set-ntp true',
    })
    expect(await examineClock('http://127.0.0.1:1')).toMatchObject({ state: 'skipped' })
  })
})

describe('at the command line', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'doctor-'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  test('credentials that cannot be read are a fault, and the exit status says so', async () => {
    const file = join(folder, 'credentials.json')
    await writeFile(file, 'not JSON')
    const { code, stdout } = await runCli(['doctor', '--url', 'http://127.0.0.1:1'], {
      ...env,
      GOOGLE_APPLICATION_CREDENTIALS: file,
    })
    expect(stdout).toMatch(
      /^fault {4}The Google credentials cannot be used: .*\n {9}-> Set GOOGLE_APPLICATION_CREDENTIALS/m,
    )
    expect(stdout).toMatch(
      /^fault {4}No ID token could be had: .*\n {9}-> Set GOOGLE_APPLICATION_CREDENTIALS/m,
    )
    expect(stdout).toMatch(/\d+ faults?\. What mends each is below it\.\n$/)
    expect(code).toBe(1)
  })

  test('settings are read from a file, and the gateway is asked as a trigger asks', async () => {
    const file = join(folder, 'env')
    await writeFile(
      file,
      Object.entries(env)
        .map(([name, value]) => `${name}=${JSON.stringify(value)}\n`)
        .join(''),
    )
    const tokens: string[] = []
    const status = { code: 200 }
    const gateway = createServer((request, reply) => {
      tokens.push(request.headers.authorization ?? '')
      reply.writeHead(status.code, { 'content-type': 'application/json' })
      reply.end(JSON.stringify(status.code === 200 ? { runs: [] } : { detail: 'This caller may not call.' }))
    })
    await new Promise<void>((resolve) => gateway.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(gateway.address() as AddressInfo).port}`
    try {
      const good = await runCli(['doctor', '--env-file', file, '--url', url, '--json'], {})
      expect(JSON.parse(good.stdout)).toContainEqual({
        state: 'ok',
        says: `the gateway at ${url} lists runs for this caller`,
      })
      expect(good.code).toBe(0)
      expect(tokens[0]).toMatch(/^Bearer \S+\.\S+\.\S+$/)

      status.code = 403
      const refused = await runCli(['doctor', '--env-file', file, '--url', url], {})
      expect(refused.stdout).toMatch(
        /^fault {4}This caller may not call\.\n {9}-> Add this caller to the gateway's ALLOWED_CALLERS/m,
      )
      expect(refused.code).toBe(1)
    } finally {
      gateway.closeAllConnections()
      await new Promise((resolve) => gateway.close(resolve))
    }
  })
})
