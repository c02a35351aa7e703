import { join } from 'node:path'
import { protos } from '@google-cloud/dataproc'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { loadWorkerConfig } from '../../src/config.ts'
import { DEADLINES, NAMESPACE_ID } from '../support/activities.ts'
import { type DataprocBench, startDataprocBench } from './dataproc-bench.ts'

const { ClusterConfig } = protos.google.cloud.dataproc.v1

const { cluster: shape } = loadWorkerConfig({
  GOOGLE_CLOUD_PROJECT: 'my-project',
  RAW_BUCKET: 'raw',
  PROCESSED_BUCKET: 'processed',
  STATE_BUCKET: 'state',
  BQ_OUTPUT_TABLE: 'my-project.Demo.trips',
  CLUSTER_ZONES: 'us-central1-a,us-central1-b',
  CLUSTER_CONFIG_FILE: join(import.meta.dirname, '..', '..', 'deploy', 'cluster.example.yaml'),
})

let bench: DataprocBench
beforeAll(async () => {
  bench = await startDataprocBench(shape.zones, shape)
  await bench.reset()
})
afterAll(() => bench?.close())

/** A config with every field that it leaves out, so that two of them can be compared. */
function whole(config: object): Record<string, unknown> {
  return ClusterConfig.toObject(ClusterConfig.fromObject(config), {
    defaults: true,
    enums: String,
    longs: String,
  })
}

describe('a cluster whose shape is in a file', () => {
  test('is asked for as the file says, to the last field, with what is ours on top', async () => {
    const attempt = bench.attempt({ zone: 'us-central1-b' })
    await bench.bench.call('createCluster', [attempt, DEADLINES], { workflowId: 'average-speed/some-run' })
    const [{ labels, config }] = await bench.google.clusters.getCluster({
      ...bench.at,
      clusterName: attempt.clusterName,
    })
    const { masterConfig, workerConfig, gceClusterConfig } = config ?? {}
    expect(whole(config ?? {})).toEqual(
      whole({
        ...shape.config,
        gceClusterConfig: {
          ...shape.config.gceClusterConfig,
          metadata: {
            PIP_PACKAGES: 'pyarrow==15.0.2',
            'average-speed-workflow-id': 'average-speed/some-run',
            'average-speed-namespace-id': NAMESPACE_ID,
            'average-speed-deployment': 'test',
          },
          zoneUri: gceClusterConfig?.zoneUri,
        },
        lifecycleConfig: {
          idleDeleteTtl: { seconds: 1800 },
          autoDeleteTtl: { seconds: DEADLINES.clusterLifetime / 1000 },
          // From here on: what Dataproc says of a cluster besides.
          idleStartTime: config?.lifecycleConfig?.idleStartTime,
        },
        configBucket: config?.configBucket,
        tempBucket: config?.tempBucket,
        masterConfig: { ...shape.config.masterConfig, instanceNames: masterConfig?.instanceNames },
        workerConfig: { ...shape.config.workerConfig, instanceNames: workerConfig?.instanceNames },
      }),
    )
    expect(gceClusterConfig?.zoneUri).toMatch(/us-central1-b$/)
    const own = Object.entries(labels ?? {}).filter(([key]) => !key.startsWith('goog-'))
    expect(Object.fromEntries(own)).toEqual({
      team: 'trips',
      pipeline: 'average-speed',
      deployment: 'test',
      run: 'average-speed-some-run',
      attempt: attempt.key,
    })
  })

  test('is tried in the zones of the deployment, the one that had machines first', async () => {
    await bench.create(bench.attempt({ zone: 'us-central1-b' }))
    const { zones } = await bench.bench.call('prepareRun', [{ rawPath: 'clusters/raw-2' }])
    expect(zones).toEqual(['us-central1-b', 'us-central1-a'])
  })

  test('P3, P4: is taken down by the labels and metadata that are ours, whatever the file says', async () => {
    const attempt = bench.attempt()
    await bench.create(attempt)
    await bench.bench.call('reapOrphans', [])
    expect(await bench.ledgerOf(attempt)).toEqual([expect.objectContaining({ state: 'GONE' })])
  })
})
