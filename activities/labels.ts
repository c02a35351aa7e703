/** How a cluster says whose it is. */

import type { protos } from '@google-cloud/dataproc'
import { clusterNameOf, isAttemptKey } from '../workflows/attempt-names.ts'
import { PIPELINE } from '../workflows/contract.ts'
import type { Attempt } from '../workflows/run-types.ts'

type Cluster = protos.google.cloud.dataproc.v1.ICluster

/** Label under which a table that the pipeline makes carries the deployment's state bucket; set-up puts it on buckets, too. */
export const STATE_LABEL = 'state_bucket'

/** Labels that every cluster, job and load of the pipeline may carry for itself; a user's labels have other keys. */
export const RESERVED_LABELS: readonly string[] = [
  'pipeline',
  'deployment',
  'run',
  'attempt',
  'rows_written',
  STATE_LABEL,
]

/** What the keys of the pipeline's own metadata begin with. */
export const RESERVED_METADATA = `${PIPELINE}-`

/** Metadata key under which a cluster carries the id of its workflow, whole; labels would cut it. */
const WORKFLOW_METADATA = 'average-speed-workflow-id'

/** Metadata key under which a cluster carries the deployment that has made it: a label can be changed later. */
const DEPLOYMENT_METADATA = 'average-speed-deployment'

/** Metadata key under which a cluster carries the id of the Temporal namespace of its workflow. */
const NAMESPACE_METADATA = 'average-speed-namespace-id'

/** The workflow that a cluster, or an output, was made for. Ids of workflows are told apart by their namespaces. */
export interface Owner {
  readonly namespaceId: string
  readonly workflowId: string
}

/** Labels and metadata of one attempt's cluster. */
export function ownership(deployment: string, { namespaceId, workflowId }: Owner, attempt: Attempt) {
  return {
    labels: { pipeline: PIPELINE, deployment, run: labelValue(workflowId), attempt: attempt.key },
    metadata: {
      [WORKFLOW_METADATA]: workflowId,
      [NAMESPACE_METADATA]: namespaceId,
      [DEPLOYMENT_METADATA]: deployment,
    },
  }
}

/**
 * True when a cluster was made by this deployment of the pipeline. Labels can be put on any cluster at any time, so its name
 * and its metadata, which are for ever, must say the same.
 */
export function isOurs(cluster: Cluster, deployment: string): boolean {
  const { pipeline, deployment: owner, attempt } = cluster.labels ?? {}
  return (
    pipeline === PIPELINE &&
    owner === deployment &&
    metadataOf(cluster, DEPLOYMENT_METADATA) === deployment &&
    isAttemptKey(attempt) &&
    cluster.clusterName === clusterNameOf(attempt)
  )
}

/** The attempt that a cluster was made for. */
export function attemptKeyOf(cluster: Cluster): string | undefined {
  return cluster.labels?.['attempt']
}

/** The workflow that a cluster was made for. */
export function workflowIdOfCluster(cluster: Cluster): string | undefined {
  return metadataOf(cluster, WORKFLOW_METADATA)
}

/** Whom a cluster was made for; nothing for one that does not say so whole. */
export function ownerOf(cluster: Cluster): Owner | undefined {
  const workflowId = workflowIdOfCluster(cluster)
  const namespaceId = metadataOf(cluster, NAMESPACE_METADATA)
  return workflowId === undefined || namespaceId === undefined ? undefined : { namespaceId, workflowId }
}

function metadataOf(cluster: Cluster, key: string): string | undefined {
  return cluster.config?.gceClusterConfig?.metadata?.[key]
}

/** Filter for listing the clusters of a deployment: https://cloud.google.com/dataproc/docs/reference/rest/v1/projects.regions.clusters/list */
export function clusterFilter(deployment: string): string {
  return `labels.pipeline = ${PIPELINE} AND labels.deployment = ${deployment}`
}

/**
 * A text in the alphabet of label values: lower-case letters, digits, `_` and `-`, at most 63.
 * https://cloud.google.com/resource-manager/docs/labels-overview#requirements
 */
export function labelValue(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9_-]+/g, '-')
    .slice(-63)
}
