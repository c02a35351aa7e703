import { readFileSync } from 'node:fs'
import { parseDocument } from 'yaml'
import type { ClusterShape } from '../../activities/context.ts'
import { labelFault } from '../../activities/label-rules.ts'
import { RESERVED_LABELS, RESERVED_METADATA } from '../../activities/labels.ts'
import { IDLE_DELETE_SECONDS } from '../../activities/lifetimes.ts'
import { checkMessage, type Findings, isObject } from './check-message.ts'
import { readDescriptors } from './descriptors.ts'

type Config = ClusterShape['config']

/** What a cluster file must agree with. */
export interface ClusterFileRules {
  readonly region: string
  /** Zones that the deployment sets beside the file. */
  readonly zones: readonly string[]
  /** After which a cluster deletes itself. */
  readonly lifetimeMs: number
}

/** A cluster file, read. Whoever finds faults must not use the shape. */
export interface ClusterFile extends Findings {
  readonly shape: ClusterShape
}

// https://cloud.google.com/dataproc/docs/reference/rest/v1/projects.regions.clusters#Cluster.FIELDS.labels
const MAX_LABELS = 32

/** What Dataproc puts on every cluster: https://cloud.google.com/dataproc/docs/guides/creating-managing-labels */
const DATAPROC_LABELS = 'goog-dataproc-'

const REFUSED = {
  clusterName: 'every attempt has a cluster with a name of its own',
  clusterUuid: 'it belongs to one cluster, and Dataproc draws it',
  projectId: 'GOOGLE_CLOUD_PROJECT says in which project clusters are',
  virtualClusterConfig: 'the pipeline runs on clusters of machines, not on GKE',
  'config.lifecycleConfig.autoDeleteTime':
    'a point in time would end every later cluster; each ends by the deadlines of its run',
}

/**
 * Reads a cluster file: Dataproc's own `Cluster` in YAML or JSON, as `gcloud dataproc clusters export` prints it.
 * @see https://cloud.google.com/sdk/gcloud/reference/dataproc/clusters/export
 * @see https://cloud.google.com/dataproc/docs/reference/rest/v1/ClusterConfig
 */
export function readClusterFile(file: string, rules: ClusterFileRules): ClusterFile {
  const findings: Findings = { faults: [], notes: [] }
  const content = parse(file, findings)
  const none = { shape: { config: {}, labels: {}, zones: [] }, ...findings }
  if (content === undefined) return none
  const descriptors = readDescriptors()
  const cluster = descriptors.find('google.cloud.dataproc.v1.Cluster')
  if (cluster === undefined) throw new Error("Dataproc's client ships no description of a cluster.")
  if (isObject(content) && !('config' in content)) findings.faults.push('config is missing')
  const check = { descriptors, refused: REFUSED, ...findings }
  const { config = {}, labels = {} } = checkMessage(content, cluster, '', check)
  if (findings.faults.length > 0) return none
  return { shape: shapeOf(config as Config, labels as ClusterShape['labels'], rules, findings), ...findings }
}

function parse(file: string, { faults }: Findings): unknown {
  try {
    const document = parseDocument(readFileSync(file, 'utf8'))
    const [error] = document.errors
    if (error === undefined) return document.toJS()
    faults.push(`is not YAML: ${error.message.split('\n')[0]}`)
  } catch (error) {
    faults.push(`cannot be read: ${error instanceof Error ? error.message : String(error)}`)
  }
  return undefined
}

function shapeOf(
  config: Config,
  labels: ClusterShape['labels'],
  rules: ClusterFileRules,
  findings: Findings,
): ClusterShape {
  const { lifecycleConfig, ...rest } = config
  checkLifetimes(lifecycleConfig, rules, findings)
  for (const key of Object.keys(rest.gceClusterConfig?.metadata ?? {})) {
    if (!key.startsWith(RESERVED_METADATA)) continue
    findings.faults.push(
      `config.gceClusterConfig.metadata.${key} cannot be set: keys that begin with ${RESERVED_METADATA} are the pipeline's own`,
    )
  }
  return { config: rest, labels: ownLabels(labels, findings), zones: zonesOf(rest, rules, findings) }
}

function checkLifetimes(
  lifecycle: Config['lifecycleConfig'],
  { lifetimeMs }: ClusterFileRules,
  { faults, notes }: Findings,
): void {
  const ours = {
    idleDeleteTtl: {
      seconds: IDLE_DELETE_SECONDS,
      why: 'a cluster waits that long for a worker that restarts',
    },
    autoDeleteTtl: {
      seconds: Math.ceil(lifetimeMs / 1000),
      why: 'CREATE_CLUSTER_DEADLINE_MINUTES, SPARK_JOB_DEADLINE_MINUTES and half an hour, or it would end a cluster at work',
    },
  } as const
  for (const name of ['idleDeleteTtl', 'autoDeleteTtl'] as const) {
    const given = lifecycle?.[name]?.seconds
    if (given === undefined || given === null) continue
    const { seconds, why } = ours[name]
    const path = `config.lifecycleConfig.${name}`
    if (Number(given) < seconds) faults.push(`${path} must not be less than ${seconds}s: ${why}`)
    else notes.push(`${path} is ${seconds}s, as for every cluster of the pipeline`)
  }
}

function ownLabels(labels: ClusterShape['labels'], { faults, notes }: Findings): Record<string, string> {
  const own: Record<string, string> = {}
  for (const [key, value] of Object.entries(labels)) {
    const fault = labelFault(key, value, RESERVED_LABELS)
    if (key.startsWith(DATAPROC_LABELS)) notes.push(`labels.${key} is left out: Dataproc sets it`)
    else if (fault !== undefined) faults.push(`labels.${key} ${fault}`)
    else own[key] = value
  }
  const room = MAX_LABELS - RESERVED_LABELS.length
  if (Object.keys(own).length > room)
    faults.push(`labels may have at most ${room} entries beside the pipeline's`)
  return own
}

/** The file's own zone, or those of the deployment, which are tried in turn. */
function zonesOf(
  config: Config,
  { region, zones }: ClusterFileRules,
  { faults }: Findings,
): readonly string[] {
  const path = 'config.gceClusterConfig.zoneUri'
  const zone = config.gceClusterConfig?.zoneUri?.split('/').at(-1)
  if (!zone) return zones
  if (zone.replace(/-[a-z]$/, '') !== region) {
    faults.push(`${path} is in another region than DATAPROC_REGION, which is ${region}`)
  }
  if (zones.length > 0) {
    faults.push(
      `${path} and CLUSTER_ZONES both say where; remove it from the file to have the zones tried in turn`,
    )
  }
  return [zone]
}
