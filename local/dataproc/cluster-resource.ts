import { createHash, randomUUID } from 'node:crypto'
import type { Cluster, ClusterConfig, Location } from './model.ts'

const COMPUTE = 'https://www.googleapis.com/compute/v1'

/** What the service decides about a new cluster. */
export interface Placement extends Location {
  readonly uuid: string
  /** Short name. */
  readonly zone: string
  readonly stagingBucket: string
}

/** Draws a cluster's UUID. */
export function newClusterUuid(): string {
  return randomUUID()
}

/**
 * The resource of a new cluster: what was asked for, with the defaults and the labels that Dataproc adds
 * (https://cloud.google.com/dataproc/docs/guides/creating-managing-labels#automatically_applied_labels).
 */
export function newClusterResource(asked: Cluster, placement: Placement): Cluster {
  const { project, region, uuid, zone, stagingBucket } = placement
  const name = asked.clusterName ?? ''
  const config: ClusterConfig = asked.config ?? {}
  const workers = config.workerConfig?.numInstances || 2
  const masters = config.masterConfig?.numInstances || 1
  return {
    projectId: project,
    clusterName: name,
    clusterUuid: uuid,
    labels: { ...asked.labels, ...systemLabels(name, uuid, region) },
    config: {
      ...config,
      configBucket: stagingBucket,
      tempBucket: config.tempBucket || serviceBucket('temp', placement),
      gceClusterConfig: {
        ...(!config.gceClusterConfig?.subnetworkUri && {
          networkUri: `${COMPUTE}/projects/${project}/global/networks/default`,
        }),
        ...config.gceClusterConfig,
        zoneUri: `${COMPUTE}/projects/${project}/zones/${zone}`,
      },
      masterConfig: {
        machineTypeUri: 'n1-standard-4',
        ...config.masterConfig,
        numInstances: masters,
        instanceNames: instanceNames(name, 'm', masters),
      },
      workerConfig: {
        machineTypeUri: 'n1-standard-4',
        ...config.workerConfig,
        numInstances: workers,
        instanceNames: instanceNames(name, 'w', workers),
      },
      softwareConfig: {
        ...config.softwareConfig,
        imageVersion: config.softwareConfig?.imageVersion || '2.3-debian12',
      },
    },
  }
}

/** Labels that Dataproc puts on every cluster. */
export function systemLabels(name: string, uuid: string, region: string): Record<string, string> {
  return {
    'goog-dataproc-cluster-name': name,
    'goog-dataproc-cluster-uuid': uuid,
    'goog-dataproc-location': region,
  }
}

/** Names of the machines of a group. */
export function instanceNames(cluster: string, role: 'm' | 'w' | 'sw', count: number): string[] {
  if (role === 'm' && count === 1) return [`${cluster}-m`]
  return Array.from({ length: count }, (_, i) => `${cluster}-${role}-${i}`)
}

/**
 * The bucket that Dataproc makes once for a project and region and then reuses
 * (https://cloud.google.com/dataproc/docs/concepts/configuring-clusters/staging-bucket). The number stands for the
 * project's and the letters for the random part; both are derived, so that a restart finds the same bucket.
 */
export function serviceBucket(purpose: 'staging' | 'temp', { project, region }: Location): string {
  const digest = createHash('sha256').update(`${project}/${region}`).digest()
  const number = 100_000_000_000 + (digest.readUIntBE(0, 6) % 900_000_000_000)
  const letters = Array.from(digest.subarray(6, 14), (byte) => String.fromCharCode(97 + (byte % 26))).join('')
  return `dataproc-${purpose}-${region}-${number}-${letters}`
}
