import type { GoogleClients } from '../../../src/clients.ts'
import type { RunPlan } from '../../../workflows/plan.ts'
import { type ActivityBench, activityBench } from '../../support/activities.ts'
import { googleClientsOf } from '../../support/clients.ts'
import { Control } from '../../support/control.ts'
import { startCloud, type TestCloud } from '../../support/local-cloud.ts'
import { putObject } from '../../support/objects.ts'
import {
  type Buckets,
  changes,
  clustersOf,
  type Inventory,
  OTHER_RUN,
  objectsIn,
  putOthersObjects,
  tablesOf,
} from './bystanders.ts'
import { outcomeOf } from './outcome.ts'

/** Says of a name whether what bears it is one's own. */
export type IsOwn = (name: string) => boolean

/** A cloud on which others have objects, clusters and tables, and a worker's activities to attack. */
export interface World {
  readonly cloud: TestCloud
  readonly google: GoogleClients
  readonly bench: ActivityBench
  readonly buckets: Buckets
  readonly where: { readonly projectId: string; readonly region: string }
  /** A batch of one's own, with one raw file, that nobody has processed. */
  batch(more?: Partial<RunPlan['input']>): Promise<RunPlan>
  /** Writes an object. @param uri without `gs://` */
  put(uri: string, content: string | Buffer): Promise<void>
  /** Makes a cluster as anybody may who has the right to. */
  cluster(name: string, labels: Record<string, string>, metadata?: Record<string, string>): Promise<string>
  objects(): Promise<Inventory>
  clusters(): Promise<Inventory>
  tables(): Promise<Inventory>
  /**
   * Does something, and looks at all that is others'.
   * @param isOwn says of the name of an object, cluster or table whether it may be made, changed or deleted
   * @returns the failure, by its type; 'done' without one
   * @throws Error that names what was touched
   */
  harmless(isOwn: IsOwn, attack: () => Promise<unknown>): Promise<string>
  close(): Promise<void>
}

/** Brings it up. */
export async function startWorld(): Promise<World> {
  const cloud = await startCloud({ services: ['storage', 'dataproc', 'bigquery'] })
  const google = googleClientsOf(cloud)
  const bench = activityBench(cloud, google, { polling: { minimum: 2, maximum: 20 }, settleMs: 2 })
  bench.open.add(OTHER_RUN)
  const { project: projectId, region, defaults } = bench.settings
  const where = { projectId, region }
  const buckets: Buckets = {
    raw: cloud.get('RAW_BUCKET'),
    processed: cloud.get('PROCESSED_BUCKET'),
    state: cloud.get('STATE_BUCKET'),
    foreign: 'another-teams-bucket',
  }
  await new Control(cloud.get('DATAPROC_CONTROL_URL')).put('/settings', {
    bootMs: 1,
    deleteMs: 1,
    jobStartMs: 1,
    cancelMs: 1,
    jobMs: 1,
    runningLagMs: 0,
    jobMode: 'instant',
  })
  await putOthersObjects(google, buckets)
  const [, dataset = ''] = defaults.outputTable.split('.')
  let batches = 0

  const world: World = {
    cloud,
    google,
    bench,
    buckets,
    where,
    async batch(more = {}) {
      const plan = bench.plan({ rawPath: `exports/raw-${++batches}`, ...more })
      await putObject(google.storage, `${plan.rawPath}a.json`, `raw ${plan.rawPath}`)
      return plan
    },
    put: (uri, content) => putObject(google.storage, `gs://${uri}`, content),
    async cluster(clusterName, labels, metadata = {}) {
      const config = { gceClusterConfig: { metadata } }
      const cluster = { projectId, clusterName, labels, config }
      const [operation] = await google.clusters.createCluster({ ...where, cluster })
      const [made] = await operation.promise()
      return made.clusterUuid ?? ''
    },
    objects: () => objectsIn(google, Object.values(buckets)),
    clusters: () => clustersOf(google, where),
    tables: () => tablesOf(google, dataset),
    async harmless(isOwn, attack) {
      const look = () => Promise.all([world.objects(), world.clusters(), world.tables()])
      const before = await look()
      const outcome = await outcomeOf(attack)
      const after = await look()
      const touched = before.flatMap((one, i) => changes(one, after[i] ?? new Map(), isOwn))
      if (touched.length > 0) throw new Error(`${outcome}, and touched: ${touched.join(', ')}`)
      return outcome
    },
    async close() {
      await google.close()
      await cloud.close()
    },
  }
  return world
}

/** Says of the name of an object whether it is the batch's own. */
export function ofBatch(plan: RunPlan, { processed }: Buckets): IsOwn {
  const { rawPath, transformedPath, failedPath, rejectedPath, notesPath, manifestUri, batchName } = plan
  const folders = [rawPath, transformedPath, failedPath, rejectedPath, notesPath, manifestUri]
  const archive = new RegExp(
    `^gs://${processed}/exports/processed_date=\\d{4}-\\d{2}-\\d{2}/(reload=[^/]+/)?${batchName}(\\.receipts)?/`,
  )
  return (name) => folders.some((folder) => name.startsWith(folder)) || archive.test(name)
}

/** Nothing is. */
export const NOTHING: IsOwn = () => false
