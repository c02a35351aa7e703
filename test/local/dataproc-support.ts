import { setTimeout as sleep } from 'node:timers/promises'
import { type protos, v1 } from '@google-cloud/dataproc'
import { grpc } from 'google-gax'
import { startCloud } from '../support/local-cloud.ts'

// The client asks the metadata server for a universe domain even where it needs no credentials.
process.env['METADATA_SERVER_DETECTION'] = 'none'

export const status = grpc.status
export type Cluster = protos.google.cloud.dataproc.v1.ICluster
export type Job = protos.google.cloud.dataproc.v1.IJob

/** A Dataproc and a storage of a test's own, with the official clients. */
export interface DataprocUnderTest {
  readonly at: { readonly projectId: string; readonly region: string }
  /** `projects/P/regions/R` */
  readonly parent: string
  readonly clusters: v1.ClusterControllerClient
  readonly jobs: v1.JobControllerClient
  readonly storageEndpoint: string
  /** Client options, for a connection of its own. */
  readonly clientOptions: ConstructorParameters<typeof v1.ClusterControllerClient>[0]
  readonly env: Readonly<Record<string, string>>
  /** Calls the control endpoint; answers the JSON body. */
  control(method: string, path: string, body?: object): Promise<unknown>
  /** May be called twice. */
  close(): Promise<void>
}

/** Starts it with no delays, so that only what a test asks for takes time. */
export async function startDataprocUnderTest(settings: object = {}): Promise<DataprocUnderTest> {
  const cloud = await startCloud({ services: ['storage', 'dataproc'] })
  const [host, port] = cloud.get('DATAPROC_API_ENDPOINT').replace('http://', '').split(':')
  const clientOptions = {
    projectId: cloud.get('GOOGLE_CLOUD_PROJECT'),
    apiEndpoint: host ?? '',
    port: Number(port),
    sslCreds: grpc.credentials.createInsecure(),
  }
  const at = { projectId: cloud.get('GOOGLE_CLOUD_PROJECT'), region: cloud.get('DATAPROC_REGION') }
  let closing: Promise<void> | undefined
  const clusters = new v1.ClusterControllerClient(clientOptions)
  const jobs = new v1.JobControllerClient(clientOptions)
  async function control(method: string, path: string, body?: object): Promise<unknown> {
    const response = await fetch(`${cloud.get('DATAPROC_CONTROL_URL')}${path}`, {
      method,
      ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
    return text === '' ? undefined : JSON.parse(text)
  }
  const none = { bootMs: 0, deleteMs: 0, updateMs: 0, jobStartMs: 0, cancelMs: 0, jobMs: 0 }
  await control('PUT', '/settings', { ...none, jobMode: 'instant', ...settings })
  return {
    at,
    parent: `projects/${at.projectId}/regions/${at.region}`,
    clusters,
    jobs,
    storageEndpoint: cloud.get('STORAGE_API_ENDPOINT'),
    clientOptions,
    env: cloud.env,
    control,
    close() {
      closing ??= Promise.all([clusters.close(), jobs.close()]).then(() => cloud.close())
      return closing
    },
  }
}

/** Creates a cluster and waits until its operation is done. */
export async function createCluster(
  { clusters, at }: DataprocUnderTest,
  clusterName: string,
  cluster: Cluster = {},
): Promise<Cluster> {
  const [operation] = await clusters.createCluster({
    ...at,
    cluster: { clusterName, config: {}, ...cluster },
  })
  const [created] = await operation.promise()
  return created
}

/** A PySpark job for a cluster. */
export function pysparkJob(clusterName: string, job: Job = {}): Job {
  return {
    placement: { clusterName },
    pysparkJob: { mainPythonFileUri: 'gs://scripts/job.py' },
    ...job,
  }
}

/** The job once a condition holds; polls. */
export async function jobWhen(
  { jobs, at }: DataprocUnderTest,
  jobId: string,
  holds: (job: Job) => boolean,
  deadlineMs = 50_000,
): Promise<Job> {
  return until(async () => (await jobs.getJob({ ...at, jobId }))[0], holds, deadlineMs)
}

/** The first answer for which a condition holds. @throws Error at the deadline, with the last answer */
export async function until<T>(
  ask: () => Promise<T>,
  holds: (answer: T) => boolean,
  deadlineMs = 20_000,
): Promise<T> {
  const deadline = Date.now() + deadlineMs
  for (;;) {
    const answer = await ask()
    if (holds(answer)) return answer
    if (Date.now() > deadline) throw new Error(`Not reached in time: ${JSON.stringify(answer)}`)
    await sleep(25)
  }
}

/** The states that a resource went through, oldest first. */
export function statesOf(resource: Pick<Cluster, 'status' | 'statusHistory'> | Job): string[] {
  return [...(resource.statusHistory ?? []), resource.status].map((entry) => String(entry?.state))
}
