import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from '@jest/globals'
import { loadWorkerConfig, type WorkerConfig } from '../../src/config.ts'

const EXAMPLE = join(import.meta.dirname, '..', '..', 'deploy', 'cluster.example.yaml')
const folder = mkdtempSync(join(tmpdir(), 'cluster-file-'))
afterAll(() => rmSync(folder, { recursive: true }))
let files = 0

const worker = {
  GOOGLE_CLOUD_PROJECT: 'some-project',
  RAW_BUCKET: 'raw',
  PROCESSED_BUCKET: 'processed',
  STATE_BUCKET: 'state',
  BQ_OUTPUT_TABLE: 'some-project.Demo.trips',
}

/** The configuration with a cluster file of that content. */
function load(content: string, env: Readonly<Record<string, string>> = {}): WorkerConfig {
  const file = join(folder, `cluster-${++files}.yaml`)
  writeFileSync(file, content)
  return loadWorkerConfig({ ...worker, CLUSTER_CONFIG_FILE: file, ...env })
}

describe('a cluster file', () => {
  test('has the shape that gcloud exports, and becomes what the client sends', () => {
    const { cluster, notes } = loadWorkerConfig({ ...worker, CLUSTER_CONFIG_FILE: EXAMPLE })
    expect(notes).toEqual([])
    expect(cluster.labels).toEqual({ team: 'trips' })
    expect(cluster.zones).toEqual([])
    expect(cluster.config).toMatchObject({
      secondaryWorkerConfig: { numInstances: 4, preemptibility: 'SPOT' },
      initializationActions: [{ executionTimeout: { seconds: 600, nanos: 0 } }],
      softwareConfig: { optionalComponents: ['JUPYTER'] },
    })
  })

  test('is refused whole, with the path of each field at fault, together with the variables at fault', () => {
    const content = `
config:
  workerConfig: {numInstance: 2, numInstances: '2', preemptibility: SPOTS}
  masterConfig: {diskConfig: {bootDiskSizeGb: 1.5, bootDiskProvisionedIops: many}}
  initializationActions: [{executableFile: gs://b/a.sh, executionTimeout: 10 minutes}]
  gceClusterConfig: {tags: dataproc, internalIpOnly: 'yes', metadata: {key: 1}}
  softwareConfig: {optionalComponents: [JUPITER]}
  lifecycleConfig: {autoDeleteTtl: 1d}
  endpointConfig:
  worker_config: {}
labels: [a]
status: {}
statuses: {}
`
    const refused = () => load(content, { MAX_REJECTS: 'many', BQ_OUTPUT_TABLE: '' })
    for (const fault of [
      'config.workerConfig.numInstance is not a field of InstanceGroupConfig; did you mean numInstances?',
      `config.workerConfig.numInstances must be a whole number, not "2"`,
      'config.workerConfig.preemptibility must be one of PREEMPTIBILITY_UNSPECIFIED, NON_PREEMPTIBLE, PREEMPTIBLE, SPOT, not "SPOTS"; did you mean SPOT?',
      'config.masterConfig.diskConfig.bootDiskSizeGb must be a whole number',
      'config.masterConfig.diskConfig.bootDiskProvisionedIops must be a whole number',
      `config.initializationActions[0].executionTimeout must be a duration in seconds, such as '1800s', not "10 minutes"`,
      'config.gceClusterConfig.tags must be a list',
      'config.gceClusterConfig.internalIpOnly must be true or false',
      'config.gceClusterConfig.metadata.key must be a text; put it in quotes, not 1',
      'config.softwareConfig.optionalComponents[0] must be one of',
      'config.lifecycleConfig.autoDeleteTtl must be a duration',
      "config.endpointConfig must be an object of EndpointConfig's fields",
      'config.worker_config is not a field of ClusterConfig; did you mean workerConfig?',
      'labels must be an object of names and values',
      'statuses is not a field of Cluster; did you mean status?',
      'MAX_REJECTS',
      'BQ_OUTPUT_TABLE',
    ]) {
      expect(refused).toThrow(fault)
    }
    expect(refused).toThrow('The configuration has 17 faults')
  })

  test.each([
    ['clusterName: c', 'clusterName cannot be set: every attempt has a cluster with a name of its own'],
    ['clusterUuid: u', 'clusterUuid cannot be set'],
    ['projectId: p', 'projectId cannot be set: GOOGLE_CLOUD_PROJECT'],
    ['virtualClusterConfig: {}', 'virtualClusterConfig cannot be set'],
    ['config: {lifecycleConfig: {autoDeleteTtl: 26999s}}', 'autoDeleteTtl must not be less than 27000s'],
    ['config: {lifecycleConfig: {idleDeleteTtl: 600s}}', 'idleDeleteTtl must not be less than 1800s'],
    [
      "config: {lifecycleConfig: {autoDeleteTime: '2031-01-01T00:00:00Z'}}",
      'config.lifecycleConfig.autoDeleteTime cannot be set: a point in time',
    ],
    ['labels: {pipeline: mine}', "labels.pipeline is one of the pipeline's own labels"],
    ['labels: {Team: a}', 'labels.Team is no name for a label'],
    ['labels: {team: A b}', 'labels.team has a value that no label may have: "A b"'],
    [
      'config: {gceClusterConfig: {metadata: {average-speed-workflow-id: x}}}',
      'config.gceClusterConfig.metadata.average-speed-workflow-id cannot be set',
    ],
    ['config: {gceClusterConfig: {zoneUri: europe-west1-b}}', 'is in another region than DATAPROC_REGION'],
    ['labels: {a: b}\nlabels: {a: c}', 'is not YAML: Map keys must be unique'],
    ['', 'the file must be an object'],
  ])('that says %j is refused', (content, fault) => {
    const whole = /^config:|^$/.test(content) ? content : `${content}\nconfig: {}`
    expect(() => load(whole)).toThrow(fault)
  })

  test('without a config, or one that cannot be read, is refused', () => {
    expect(() => load('labels: {}')).toThrow('config is missing')
    expect(() => loadWorkerConfig({ ...worker, CLUSTER_CONFIG_FILE: join(folder, 'none') })).toThrow('ENOENT')
  })

  test('what describe prints and only Dataproc sets is left out with a note, and longer lives are cut to ours', () => {
    const { cluster, notes } = load(`
status: {state: RUNNING}
labels: {goog-dataproc-cluster-name: c, team: a}
config:
  masterConfig: {instanceNames: [c-m], numInstances: 1}
  endpointConfig: {httpPorts: {}, enableHttpPortAccess: true}
  lifecycleConfig: {idleDeleteTtl: 3600s, idleStartTime: '2026-01-01T00:00:00Z'}
`)
    expect(cluster).toEqual({
      labels: { team: 'a' },
      config: { masterConfig: { numInstances: 1 }, endpointConfig: { enableHttpPortAccess: true } },
      zones: [],
    })
    expect(notes.map((note) => note.replace(/^.*yaml: /, ''))).toEqual([
      'status is left out: Dataproc sets it',
      'config.masterConfig.instanceNames is left out: Dataproc sets it',
      'config.endpointConfig.httpPorts is left out: Dataproc sets it',
      'config.lifecycleConfig.idleStartTime is left out: Dataproc sets it',
      'config.lifecycleConfig.idleDeleteTtl is 1800s, as for every cluster of the pipeline',
      'labels.goog-dataproc-cluster-name is left out: Dataproc sets it',
    ])
  })

  test('beside variables that say the same is refused, whichever agree', () => {
    const content = readFileSync(EXAMPLE, 'utf8')
    expect(() => load(content, { CLUSTER_WORKERS: '2' })).toThrow(
      'CLUSTER_WORKERS cannot be set beside CLUSTER_CONFIG_FILE; write it into the file: config.workerConfig.numInstances',
    )
    expect(() => load(content, { CLUSTER_SUBNETWORK: 's' })).toThrow('config.gceClusterConfig.subnetworkUri')
  })

  test('goes with CLUSTER_ZONES, unless it has a zone of its own', () => {
    const zoned =
      'config: {gceClusterConfig: {zoneUri: https://www.googleapis.com/compute/v1/projects/p/zones/us-central1-f}}'
    expect(load('config: {}', { CLUSTER_ZONES: 'us-central1-a,us-central1-b' }).cluster.zones).toEqual([
      'us-central1-a',
      'us-central1-b',
    ])
    expect(load(zoned).cluster.zones).toEqual(['us-central1-f'])
    expect(() => load(zoned, { CLUSTER_ZONES: 'us-central1-a' })).toThrow('CLUSTER_ZONES both say where')
  })

  test('is not needed: without one the variables make a plain cluster', () => {
    const { cluster } = loadWorkerConfig({ ...worker, CLUSTER_WORKERS: '3', CLUSTER_SUBNETWORK: 'net' })
    expect(cluster).toEqual({
      config: {
        softwareConfig: { imageVersion: '2.3-debian12' },
        masterConfig: { numInstances: 1, machineTypeUri: 'n1-standard-4' },
        workerConfig: { numInstances: 3, machineTypeUri: 'n1-standard-4' },
        gceClusterConfig: { subnetworkUri: 'net' },
      },
      labels: {},
      zones: [],
    })
  })
})
