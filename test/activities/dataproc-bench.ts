import type { ClusterShape } from '../../activities/context.ts'
import type { GoogleClients } from '../../src/clients.ts'
import type { RunPlan } from '../../workflows/plan.ts'
import type { Attempt, Batch, ClusterRef, ClusterTimes } from '../../workflows/run-types.ts'
import { type ActivityBench, activityBench, attemptFor, DEADLINES } from '../support/activities.ts'
import { googleClientsOf } from '../support/clients.ts'
import { Control } from '../support/control.ts'
import { startCloud, type TestCloud } from '../support/local-cloud.ts'
import { putObject } from '../support/objects.ts'

/** What the ledger says of the stand-in's clusters and jobs. */
export interface Ledger {
  readonly running: number
  readonly clusters: readonly {
    readonly name: string
    readonly uuid: string
    readonly zone: string
    readonly state: string
    readonly deletedBy?: string
    readonly labels: Readonly<Record<string, string>>
    readonly metadata: Readonly<Record<string, string>>
  }[]
  readonly jobs: readonly { readonly id: string; readonly state: string }[]
}

/** Real activities on a Dataproc and a storage of a test's own. */
export interface DataprocBench {
  readonly cloud: TestCloud
  readonly google: GoogleClients
  readonly bench: ActivityBench
  readonly dataproc: Control
  readonly storage: Control
  readonly plan: RunPlan
  /** A batch of no files. */
  readonly batch: Batch
  readonly at: { readonly projectId: string; readonly region: string }
  /** Fast, without faults, and as if nothing had been called. */
  reset(): Promise<void>
  attempt(more?: Partial<Attempt>): Attempt
  create(attempt: Attempt): Promise<ClusterRef>
  /** Deletes the cluster on behalf of the run that it was created for. */
  remove(attempt: Attempt, uuid?: string): Promise<ClusterTimes>
  ledger(): Promise<Ledger>
  /** The ledger's line of one cluster. */
  ledgerOf(attempt: Attempt): Promise<Ledger['clusters']>
  close(): Promise<void>
}

const NO_DELAYS = {
  bootMs: 5,
  deleteMs: 5,
  jobStartMs: 2,
  cancelMs: 5,
  jobMs: 5,
  runningLagMs: 0,
  jobMode: 'instant',
}

/**
 * Brings it up; the pauses of a run are a few milliseconds here.
 * @param shape what the deployment says of its clusters besides
 */
export async function startDataprocBench(
  zones: readonly string[] = [],
  shape: Partial<ClusterShape> = {},
): Promise<DataprocBench> {
  const cloud = await startCloud({ services: ['storage', 'dataproc', 'bigquery'] })
  const google = googleClientsOf(cloud)
  const settled = { settleMs: 20 }
  const first = activityBench(cloud, google, settled)
  const bench = activityBench(cloud, google, {
    ...settled,
    cluster: { ...first.settings.cluster, zones, ...shape },
  })
  const dataproc = new Control(cloud.get('DATAPROC_CONTROL_URL'))
  const storage = new Control(cloud.get('STORAGE_CONTROL_URL'))
  const plan = bench.plan({ rawPath: 'clusters/raw-1' })
  const batch: Batch = { manifestUri: plan.manifestUri, files: 0, bytes: 0, digest: 'd' }
  await putObject(google.storage, plan.manifestUri, '')
  const ledger = () => dataproc.get<Ledger>('/ledger')
  return {
    cloud,
    google,
    bench,
    dataproc,
    storage,
    plan,
    batch,
    at: { projectId: bench.settings.project, region: bench.settings.region },
    async reset() {
      await Promise.all([
        dataproc.clear(),
        storage.clear(),
        dataproc.delete('/cluster-faults'),
        dataproc.delete('/job-faults'),
        dataproc.put('/settings', NO_DELAYS),
        dataproc.put('/quotas', { enabled: false }),
      ])
    },
    attempt: (more = {}) => ({ ...attemptFor(plan), ...more }),
    // Each for a run of its own, since a run takes down what it had before.
    create: (attempt) => bench.call('createCluster', [attempt, DEADLINES], runOf(attempt)),
    remove: (attempt, uuid) => {
      const target = { key: attempt.key, ...(uuid !== undefined && { uuid }) }
      return bench.call('deleteClusterIfPresent', [target], runOf(attempt))
    },
    ledger,
    ledgerOf: async (attempt) => (await ledger()).clusters.filter(({ name }) => name === attempt.clusterName),
    async close() {
      await google.close()
      await cloud.close()
    },
  }
}

/** The run that an attempt of a test is for. */
export function runOf({ key }: Attempt): { readonly workflowId: string } {
  return { workflowId: `run-of-${key}` }
}
