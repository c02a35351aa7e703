import { type ClusterRecord, clusterState } from './cluster-record.ts'
import { type JobRecord, jobState } from './job-record.ts'
import { milliseconds } from './times.ts'

/** One cluster's line in the ledger; all times are ISO 8601 on the stand-in's clock. */
export interface LedgerCluster {
  readonly name: string
  readonly uuid: string
  readonly project: string
  readonly region: string
  readonly zone: string
  readonly labels: Readonly<Record<string, string>>
  /** What the creator stored on the machines (`gce_cluster_config.metadata`). */
  readonly metadata: Readonly<Record<string, string>>
  /** `GONE` once it is no longer there. */
  readonly state: string
  readonly states: readonly { readonly state: string; readonly at: string }[]
  readonly created: string
  readonly running?: string
  readonly deleteRequested?: string
  readonly deleted?: string
  readonly deletedBy?: string
  /** From creation to deletion, or to now. */
  readonly seconds: number
  /** The same with the minimum of one minute: https://cloud.google.com/dataproc/pricing */
  readonly secondsBilled: number
}

/** One job's line in the ledger. */
export interface LedgerJob {
  readonly id: string
  readonly cluster: string
  readonly labels: Readonly<Record<string, string>>
  readonly state: string
  readonly states: readonly { readonly state: string; readonly at: string }[]
  readonly submitted: string
  readonly ended?: string
}

/** What there was, what is still running, and what it cost. */
export interface Ledger {
  readonly now: string
  /** Clusters that exist, in whatever state: each costs. */
  readonly running: number
  /** Sum of the clusters' `seconds`. */
  readonly totalSeconds: number
  readonly clusters: readonly LedgerCluster[]
  readonly jobs: readonly LedgerJob[]
}

/** Draws up the ledger. @param now milliseconds since the epoch */
export function ledger(clusters: readonly ClusterRecord[], jobs: readonly JobRecord[], now: number): Ledger {
  const lines = clusters.map((cluster) => clusterLine(cluster, now))
  return {
    now: iso(now),
    running: clusters.filter(({ deletedAt }) => deletedAt === undefined).length,
    totalSeconds: lines.reduce((sum, { seconds }) => sum + seconds, 0),
    clusters: lines,
    jobs: jobs.map(jobLine),
  }
}

function clusterLine(cluster: ClusterRecord, now: number): LedgerCluster {
  const { name, uuid, project, region, zone, resource, createdAt, deletedAt } = cluster
  const seconds = ((deletedAt ?? now) - createdAt) / 1000
  return {
    name,
    uuid,
    project,
    region,
    zone,
    labels: resource.labels ?? {},
    metadata: resource.config?.gceClusterConfig?.metadata ?? {},
    state: deletedAt === undefined ? clusterState(cluster) : 'GONE',
    states: statesOf(resource),
    created: iso(createdAt),
    ...(cluster.runningAt !== undefined && { running: iso(cluster.runningAt) }),
    ...(cluster.deleteRequestedAt !== undefined && { deleteRequested: iso(cluster.deleteRequestedAt) }),
    ...(deletedAt !== undefined && { deleted: iso(deletedAt) }),
    ...(cluster.deletionCause !== undefined && { deletedBy: cluster.deletionCause }),
    seconds,
    secondsBilled: Math.max(60, Math.ceil(seconds)),
  }
}

function jobLine(job: JobRecord): LedgerJob {
  return {
    id: job.id,
    cluster: job.cluster.name,
    labels: job.resource.labels ?? {},
    state: jobState(job),
    states: statesOf(job.resource),
    submitted: iso(job.submittedAt),
    ...(job.endedAt !== undefined && { ended: iso(job.endedAt) }),
  }
}

type Status = {
  readonly state?: unknown
  readonly stateStartTime?: Parameters<typeof milliseconds>[0] | null
}

function statesOf(resource: {
  readonly status?: Status | null
  readonly statusHistory?: readonly Status[] | null
}): { state: string; at: string }[] {
  return [...(resource.statusHistory ?? []), ...(resource.status ? [resource.status] : [])].map((status) => ({
    state: String(status.state),
    at: iso(milliseconds(status.stateStartTime ?? {})),
  }))
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}
