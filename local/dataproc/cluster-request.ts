import { invalidArgument } from './errors.ts'
import { checkLabels } from './labels.ts'
import { checkLifecycle } from './lifecycle-config.ts'
import type { Cluster, Location } from './model.ts'

/**
 * Checks a cluster that is to be created, as far as the messages in clusters.proto document the limits.
 * @param now milliseconds since the epoch
 * @throws StatusError INVALID_ARGUMENT
 */
export function checkNewCluster(
  cluster: Cluster | null | undefined,
  at: Location,
  now: number,
): asserts cluster is Cluster {
  if (!cluster) throw invalidArgument('Cluster must be specified.')
  checkClusterName(cluster.clusterName)
  if (cluster.projectId && cluster.projectId !== at.project) {
    throw invalidArgument(
      `Cluster project '${cluster.projectId}' does not match the project '${at.project}' of the request.`,
    )
  }
  if (cluster.virtualClusterConfig) {
    throw invalidArgument('Clusters with virtual_cluster_config are not supported by this stand-in.')
  }
  checkLabels(cluster.labels)
  const config = cluster.config
  checkLifecycle(config?.lifecycleConfig, now)
  const gce = config?.gceClusterConfig
  if (gce?.networkUri && gce.subnetworkUri) {
    throw invalidArgument('Only one of network_uri and subnetwork_uri may be specified.')
  }
  checkZone(gce?.zoneUri, at.region)
  if (config?.configBucket && !/^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$/.test(config.configBucket)) {
    throw invalidArgument(
      `Invalid config_bucket '${config.configBucket}': the name of a bucket is expected, not a URI.`,
    )
  }
  const masters = config?.masterConfig?.numInstances
  if (masters && masters !== 1 && masters !== 3) {
    throw invalidArgument(
      `Invalid number of masters: ${masters}. A cluster has 1 or, for high availability, 3.`,
    )
  }
  checkWorkers(config?.workerConfig?.numInstances)
  const version = config?.softwareConfig?.imageVersion
  if (version && !/^(\d+\.\d+(\.\d+)?(-RC\d+)?(-[a-z]+\d*)?|preview)$/.test(version)) {
    throw invalidArgument(`Invalid image version '${version}'.`)
  }
}

/**
 * Checks a name: begins with a lower-case letter, up to 51 lower-case letters, digits and hyphens, no hyphen at the end.
 * @throws StatusError INVALID_ARGUMENT
 */
export function checkClusterName(name: string | null | undefined): asserts name is string {
  if (!name) throw invalidArgument('Cluster name is required.')
  if (!/^[a-z](?:[a-z0-9-]{0,49}[a-z0-9])?$/.test(name)) {
    throw invalidArgument(
      `Invalid cluster name '${name}': it must begin with a lowercase letter, hold up to 51 lowercase letters, numbers and hyphens, and not end with a hyphen.`,
    )
  }
}

/**
 * Checks the size of the primary worker group; unset and 0 mean the default.
 * @throws StatusError INVALID_ARGUMENT
 */
export function checkWorkers(workers: number | null | undefined): void {
  if (workers && workers < 2) {
    throw invalidArgument(`Invalid number of primary workers: ${workers}. A minimum of 2 is required.`)
  }
}

function checkZone(uri: string | null | undefined, region: string): void {
  const zone = shortName(uri)
  if (zone && region !== 'global' && zone.replace(/-[a-z]$/, '') !== region) {
    throw invalidArgument(`Invalid zone '${zone}': it is not in region '${region}'.`)
  }
}

/** The last segment of a resource given as full URL, partial URI or short name; empty when there is none. */
export function shortName(uri: string | null | undefined): string {
  return uri?.split('/').at(-1) ?? ''
}
