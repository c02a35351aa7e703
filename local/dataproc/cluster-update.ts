import type { protos } from '@google-cloud/dataproc'
import { checkWorkers } from './cluster-request.ts'
import { instanceNames, systemLabels } from './cluster-resource.ts'
import { invalidArgument } from './errors.ts'
import { checkLabels } from './labels.ts'
import { checkLifecycle } from './lifecycle-config.ts'
import type { Cluster, LifecycleConfig } from './model.ts'

/** Makes a change to a cluster's resource. */
export type ClusterChange = (resource: Cluster) => void

const LIFECYCLE_FIELDS = {
  idle_delete_ttl: 'idleDeleteTtl',
  auto_delete_ttl: 'autoDeleteTtl',
  auto_delete_time: 'autoDeleteTime',
} as const satisfies Record<string, keyof LifecycleConfig>

/**
 * The change that an update asks for. The fields that may change are the table in `UpdateClusterRequest.update_mask`, and
 * the scheduled deletion (https://cloud.google.com/dataproc/docs/concepts/configuring-clusters/scheduled-deletion).
 * @param now milliseconds since the epoch
 * @throws StatusError INVALID_ARGUMENT
 */
export function clusterUpdate(
  request: protos.google.cloud.dataproc.v1.IUpdateClusterRequest,
  now: number,
): ClusterChange {
  const wanted = request.cluster
  if (!wanted) throw invalidArgument('Cluster must be specified.')
  const paths = (request.updateMask?.paths ?? []).map(snakeCase)
  if (paths.length === 0) throw invalidArgument('Update mask must be specified.')
  const changes = paths.map((path) => changeOf(path, wanted, now))
  return (resource) => {
    for (const change of changes) change(resource)
  }
}

function changeOf(path: string, wanted: Cluster, now: number): ClusterChange {
  if (path === 'labels' || path.startsWith('labels.')) return labelChange(path, wanted)
  if (path === 'config.worker_config.num_instances') {
    const workers = wanted.config?.workerConfig?.numInstances ?? 0
    checkWorkers(workers || 1)
    return resize('workerConfig', 'w', workers)
  }
  if (path === 'config.secondary_worker_config.num_instances') {
    return resize('secondaryWorkerConfig', 'sw', wanted.config?.secondaryWorkerConfig?.numInstances ?? 0)
  }
  const field = path.replace(/^config\.lifecycle_config\./, '')
  if (field in LIFECYCLE_FIELDS) {
    const key = LIFECYCLE_FIELDS[field as keyof typeof LIFECYCLE_FIELDS]
    const value = wanted.config?.lifecycleConfig?.[key] ?? null
    checkLifecycle({ [key]: value }, now)
    return (resource) => {
      resource.config = {
        ...resource.config,
        lifecycleConfig: { ...resource.config?.lifecycleConfig, [key]: value },
      }
    }
  }
  throw invalidArgument(`Update mask '${path}' is invalid: this field cannot be updated.`)
}

function labelChange(path: string, wanted: Cluster): ClusterChange {
  checkLabels(wanted.labels)
  return (resource) => {
    const { clusterName, clusterUuid } = resource
    const region = resource.labels?.['goog-dataproc-location'] ?? ''
    const key = path.slice('labels.'.length)
    const kept = key ? { ...resource.labels, ...pick(wanted.labels, key) } : wanted.labels
    resource.labels = { ...kept, ...systemLabels(clusterName ?? '', clusterUuid ?? '', region) }
  }
}

function pick(labels: Cluster['labels'], key: string): Record<string, string> {
  const value = labels?.[key]
  return value === undefined ? {} : { [key]: value }
}

function resize(
  group: 'workerConfig' | 'secondaryWorkerConfig',
  role: 'w' | 'sw',
  count: number,
): ClusterChange {
  return (resource) => {
    const instances = instanceNames(resource.clusterName ?? '', role, count)
    resource.config = {
      ...resource.config,
      [group]: { ...resource.config?.[group], numInstances: count, instanceNames: instances },
    }
  }
}

/** Field masks travel in snake case, but JSON callers send camel case. */
function snakeCase(path: string): string {
  return path.startsWith('labels.') ? path : path.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
