import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { ScheduleHandle } from '@temporalio/client'
import { PROGRESS_MEMO, REAPER_SCHEDULE_ID, WORKFLOW_TYPE } from '../../workflows/contract.ts'
import { placesOf, putBatch } from '../support/batches.ts'
import { putObject } from '../support/objects.ts'
import { type Pipeline, startPipeline, untilJob } from '../support/pipeline.ts'
import { sweep } from '../support/sweeps.ts'

const SCHEDULE = `${REAPER_SCHEDULE_ID}-default`

let pipeline: Pipeline
let schedule: ScheduleHandle
beforeAll(async () => {
  pipeline = await startPipeline()
  schedule = pipeline.temporal.schedule.getHandle(SCHEDULE)
}, 120_000)
afterAll(() => pipeline?.close())

/** Makes a cluster as the pipeline would. @param digit of which its attempt's key consists */
async function createCluster(
  digit: string,
  { deployment = 'default', workflowId }: { readonly deployment?: string; readonly workflowId?: string },
): Promise<string> {
  const { google, cloud } = pipeline
  const attempt = digit.repeat(32)
  const { namespaceInfo } = await pipeline.temporal.workflowService.describeNamespace({
    namespace: 'default',
  })
  const metadata = {
    'average-speed-deployment': deployment,
    'average-speed-namespace-id': namespaceInfo?.id ?? '',
    ...(workflowId !== undefined && { 'average-speed-workflow-id': workflowId }),
  }
  const clusterName = `average-speed-${attempt}`
  const [operation] = await google.clusters.createCluster({
    projectId: cloud.get('GOOGLE_CLOUD_PROJECT'),
    region: cloud.get('DATAPROC_REGION'),
    cluster: {
      clusterName,
      labels: { pipeline: 'average-speed', deployment, attempt },
      config: { gceClusterConfig: { metadata } },
    },
  })
  await operation.promise()
  return clusterName
}

/** Names of the clusters that are there. */
async function clusterNames(): Promise<string[]> {
  const { google, cloud } = pipeline
  const [clusters] = await google.clusters.listClusters({
    projectId: cloud.get('GOOGLE_CLOUD_PROJECT'),
    region: cloud.get('DATAPROC_REGION'),
  })
  return clusters.map(({ clusterName }) => clusterName ?? '')
}

describe('the schedule of the sweep', () => {
  test('P3: is there once the first worker is up', async () => {
    const { action, spec, state } = await schedule.describe()
    expect(action).toMatchObject({ workflowType: 'reapOrphanClusters', taskQueue: 'average-speed' })
    expect(spec.intervals?.map(({ every }) => every)).toEqual([10 * 60_000])
    expect(state.paused).toBe(false)
  })

  test('is brought up to date, not doubled, by a second worker, and stays paused if somebody has paused it', async () => {
    await schedule.update(({ spec: _, ...rest }) => ({
      ...rest,
      spec: { intervals: [{ every: '3 hours' }] },
    }))
    await schedule.pause('a test')
    const second = await pipeline.addWorker()
    await second.stop('SIGKILL')
    const { spec, state } = await schedule.describe()
    expect(spec.intervals?.map(({ every }) => every)).toEqual([10 * 60_000])
    expect(state.paused).toBe(true)
    await schedule.unpause()
    const ids: string[] = []
    for await (const { scheduleId } of pipeline.temporal.schedule.list()) ids.push(scheduleId)
    expect(ids.filter((id) => id === SCHEDULE)).toHaveLength(1)
  })

  test('is one for each deployment', async () => {
    const second = await pipeline.addWorker({ DEPLOYMENT: 'other' })
    await second.stop('SIGKILL')
    const other = pipeline.temporal.schedule.getHandle(`${REAPER_SCHEDULE_ID}-other`)
    expect((await other.describe()).scheduleId).toBe(`${REAPER_SCHEDULE_ID}-other`)
    await other.delete()
  })
})

describe('the sweep', () => {
  test('P3, P4: deletes what nobody owns, and spares open runs, other deployments and clusters without an owner', async () => {
    const closed = await pipeline.temporal.workflow.start(WORKFLOW_TYPE, {
      workflowId: 'average-speed/closed',
      taskQueue: 'nobody-polls-this',
      args: [],
    })
    const open = await pipeline.temporal.workflow.start(WORKFLOW_TYPE, {
      workflowId: 'average-speed/open',
      taskQueue: 'nobody-polls-this',
      args: [],
      memo: { [PROGRESS_MEMO]: { steps: [], attempt: 1, clusterName: `average-speed-${'3'.repeat(32)}` } },
    })
    await closed.terminate()
    const orphans = [
      await createCluster('1', { workflowId: closed.workflowId }),
      await createCluster('2', { workflowId: 'average-speed/never-heard-of' }),
      await createCluster('6', { workflowId: open.workflowId }),
    ]
    const spared = [
      await createCluster('3', { workflowId: open.workflowId }),
      await createCluster('4', { workflowId: closed.workflowId, deployment: 'other' }),
      await createCluster('5', {}),
    ]
    expect([...(await sweep(pipeline))].sort()).toEqual(orphans)
    const left = await clusterNames()
    for (const name of orphans) expect(left).not.toContain(name)
    for (const name of spared) expect(left).toContain(name)
    await open.terminate()
  })

  test('P3: takes the cluster of a terminated run, and what its job has written', async () => {
    await pipeline.dataprocSettings({ jobMs: 600_000 })
    const batch = await putBatch(pipeline)
    const run = await pipeline.start(batch.input)
    await untilJob(pipeline, run)
    const [cluster] = (await pipeline.ledgerOf(run.workflowId)).clusters
    // As Spark does before it has ended.
    await putObject(
      pipeline.google.storage,
      `${batch.input.rawPath.replace('/raw-', '/transformed-')}${cluster?.name.replace('average-speed-', '')}/_temporary/0/part-0`,
      'half a row',
    )
    await run.terminate('a test')
    expect(await sweep(pipeline)).toContain(cluster?.name)
    const { clusters, jobs } = await pipeline.ledgerOf(run.workflowId)
    expect(clusters.map(({ state }) => state)).toEqual(['GONE'])
    expect(jobs.map(({ state }) => state)).not.toContain('RUNNING')
    expect((await placesOf(pipeline, batch)).others).toEqual([])
    await pipeline.calm()
  })
})
