import type { ClusterShape } from '../activities/context.ts'
import { clusterLifetimeMs } from '../activities/lifetimes.ts'
import { readClusterFile } from './cluster-file/cluster-file.ts'
import { listOf } from './environment.ts'

/** The variables that say what clusters are like. */
export interface ClusterVariables {
  readonly CLUSTER_CONFIG_FILE?: string
  readonly CLUSTER_IMAGE_VERSION: string
  readonly CLUSTER_MACHINE_TYPE: string
  readonly CLUSTER_WORKERS: number
  readonly CLUSTER_ZONES: string
  readonly CLUSTER_SERVICE_ACCOUNT?: string
  readonly CLUSTER_SUBNETWORK?: string
  readonly DATAPROC_REGION: string
  readonly CREATE_CLUSTER_DEADLINE_MINUTES: number
  readonly SPARK_JOB_DEADLINE_MINUTES: number
}

/** Where a cluster file says what one of the simple variables says. */
const IN_THE_FILE = {
  CLUSTER_IMAGE_VERSION: 'config.softwareConfig.imageVersion',
  CLUSTER_MACHINE_TYPE: 'machineTypeUri of config.masterConfig and config.workerConfig',
  CLUSTER_WORKERS: 'config.workerConfig.numInstances',
  CLUSTER_SERVICE_ACCOUNT: 'config.gceClusterConfig.serviceAccount',
  CLUSTER_SUBNETWORK: 'config.gceClusterConfig.subnetworkUri',
}

/**
 * The shape of the clusters: that of the file, or a plain one made of the variables. A variable beside a file that would have
 * to say the same is a fault: neither wins in silence.
 * @param env tells what was set from what has its default
 */
export function clusterShape(
  v: ClusterVariables,
  env: Readonly<Record<string, string | undefined>>,
): { readonly shape: ClusterShape; readonly faults: readonly string[]; readonly notes: readonly string[] } {
  const zones = v.CLUSTER_ZONES === 'auto' ? [] : listOf(v.CLUSTER_ZONES)
  const file = v.CLUSTER_CONFIG_FILE
  if (file === undefined) return { shape: plainShape(v, zones), faults: [], notes: [] }
  const lifetimeMs = clusterLifetimeMs({
    createClusterDeadlineMinutes: v.CREATE_CLUSTER_DEADLINE_MINUTES,
    sparkJobDeadlineMinutes: v.SPARK_JOB_DEADLINE_MINUTES,
  })
  const { shape, faults, notes } = readClusterFile(file, { region: v.DATAPROC_REGION, zones, lifetimeMs })
  const conflicts = Object.entries(IN_THE_FILE)
    .filter(([name]) => env[name])
    .map(
      ([name, path]) => `${name} cannot be set beside CLUSTER_CONFIG_FILE; write it into the file: ${path}`,
    )
  const named = (sentence: string): string => `CLUSTER_CONFIG_FILE ${file}: ${sentence}`
  return { shape, faults: [...conflicts, ...faults.map(named)], notes: notes.map(named) }
}

function plainShape(v: ClusterVariables, zones: readonly string[]): ClusterShape {
  const machine = { machineTypeUri: v.CLUSTER_MACHINE_TYPE }
  return {
    config: {
      softwareConfig: { imageVersion: v.CLUSTER_IMAGE_VERSION },
      masterConfig: { numInstances: 1, ...machine },
      workerConfig: { numInstances: v.CLUSTER_WORKERS, ...machine },
      gceClusterConfig: {
        ...(v.CLUSTER_SERVICE_ACCOUNT && { serviceAccount: v.CLUSTER_SERVICE_ACCOUNT }),
        ...(v.CLUSTER_SUBNETWORK && { subnetworkUri: v.CLUSTER_SUBNETWORK }),
      },
    },
    labels: {},
    zones,
  }
}
