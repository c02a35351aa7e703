import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import pMap from 'p-map'
import { CLUSTER_SLOTS_MEMO, clusterSlotsIdOf, workflowIdOf } from '../../workflows/contract.ts'
import type { SlotsView } from '../../workflows/slot-book.ts'
import { GOOD_ROWS, putBatch, type TestBatch } from '../support/batches.ts'
import { Control } from '../support/control.ts'
import { endingOf } from '../support/endings.ts'
import { mostAtOnce } from '../support/most-at-once.ts'
import { type Pipeline, type Run, startPipeline, untilJob, untilStep } from '../support/pipeline.ts'
import { resetPoints, resetRun } from '../support/resets.ts'
import { scaled } from '../support/scale.ts'
import { throughout, until } from '../support/until.ts'
import type { WorkerProcess } from '../support/worker-process.ts'

const KEEPER = clusterSlotsIdOf('default')

let pipeline: Pipeline
let authorization: string
beforeAll(async () => {
  pipeline = await startPipeline({ gateway: true })
  const { cloud } = pipeline
  const { token } = await new Control(cloud.get('IDENTITY_CONTROL_URL')).post('/mint', {
    kind: 'google',
    claims: { aud: cloud.get('IAP_CLIENT_ID') },
  })
  authorization = `Bearer ${token}`
}, 120_000)
afterAll(() => pipeline?.close())

/** Sends a request to the gateway, as an on-prem job does. */
async function send(method: string, path: string, body?: object): Promise<Record<string, string>> {
  const reply = await fetch(`${pipeline.cloud.get('GATEWAY_URL')}${path}`, {
    method,
    headers: { authorization, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  })
  if (!reply.ok) throw new Error(`${method} ${path} answered ${reply.status}: ${await reply.text()}`)
  return (await reply.json()) as Record<string, string>
}

/** POSTs a run of a batch. */
async function post(runId: string, { input }: TestBatch): Promise<Run> {
  const body = { run_id: runId, raw_path: input.rawPath, output_table: input.outputTable }
  // A machine that is busy with fifty starts may make Temporal too slow for one of them. Callers send it again then.
  await until('the gateway takes it', () =>
    send('POST', '/runs', body).then(
      () => true,
      (error: Error) => {
        if (!error.message.includes(' answered 503')) throw error
        return false
      },
    ),
  )
  return pipeline.temporal.workflow.getHandle(workflowIdOf(runId))
}

/** What the keeper of the slots shows. */
async function slots(): Promise<SlotsView | undefined> {
  const { memo } = await pipeline.temporal.workflow.getHandle(KEEPER).describe()
  return memo?.[CLUSTER_SLOTS_MEMO] as SlotsView | undefined
}

async function untilQueued(run: Run): Promise<void> {
  await untilStep(run, 'queued')
  await until('it is in line', async () => (await slots())?.next.includes(run.workflowId) === true)
}

async function statusOf(run: Run): Promise<string | undefined> {
  return (await send('GET', `/runs/${run.workflowId.split('/')[1]}`))['status']
}

const success = {
  status: 'COMPLETED',
  loads: { committed: 1, rows: GOOD_ROWS },
  rawFilesIn: ['processed'],
  rawFiles: 2,
  leaks: [],
}

describe('a limit of three clusters', () => {
  const RUNS = scaled(50, 100)
  const LIMIT = 3

  test(`P15: ${RUNS} POSTs at once end right with never more than three clusters, though the worker is killed twice`, async () => {
    let worker: WorkerProcess = await pipeline.soleWorker({ MAX_CLUSTERS: String(LIMIT) })
    const batches = await pMap(Array.from({ length: RUNS }), () => putBatch(pipeline), { concurrency: 8 })
    const runs = await Promise.all(batches.map((batch, i) => post(`queue-${i}`, batch)))

    await until(
      'three have a slot and the others wait',
      async () => {
        const view = await slots().catch(() => undefined)
        return view?.holders.length === LIMIT && view.waiting > RUNS / 2
      },
      120_000,
    )
    const { runs: listed } = await send('GET', '/runs?status=queued&limit=100')
    expect(listed?.length).toBeGreaterThan(0)

    for (const share of [0.2, 0.6]) {
      await until(
        `${share} of the clusters were made`,
        async () => (await ledger()).length >= RUNS * share,
        180_000,
      )
      await worker.stop('SIGKILL')
      worker = await pipeline.soleWorker({ MAX_CLUSTERS: String(LIMIT) })
    }

    await pMap(
      runs,
      async (run, i) => {
        const batch = batches[i] as TestBatch
        expect(await endingOf(pipeline, run, batch)).toMatchObject({ ...success, clusters: 1 })
      },
      { concurrency: 8 },
    )
    const clusters = await ledger()
    expect(clusters).toHaveLength(RUNS)
    expect(mostAtOnce(clusters)).toBe(LIMIT)
    await until('all slots are free', async () => {
      const { holders, waiting } = (await slots()) ?? {}
      return holders?.length === 0 && waiting === 0
    })
  }, 600_000)
})

describe('a limit of one cluster', () => {
  // Until the clock of the local Dataproc is advanced.
  const HELD_MS = 20 * 60_000
  const release = (): Promise<unknown> => pipeline.dataproc.post('/clock/advance', { ms: HELD_MS })

  beforeAll(async () => {
    await pipeline.soleWorker({ MAX_CLUSTERS: '1' })
  })
  // What a test that failed has left behind must not hold the next one up.
  afterEach(async () => {
    await pipeline.calm()
    await release()
  })

  /** A run in the middle of its Spark job, and one that waits for its cluster. */
  async function holderAndWaiting(name: string): Promise<{
    readonly batches: readonly [TestBatch, TestBatch]
    readonly holder: Run
    readonly waiting: Run
  }> {
    await pipeline.dataprocSettings({ jobMs: HELD_MS })
    const batches = [await putBatch(pipeline), await putBatch(pipeline)] as const
    const holder = await post(`${name}-holder`, batches[0])
    await untilJob(pipeline, holder)
    const waiting = await post(`${name}-waiting`, batches[1])
    await untilQueued(waiting)
    await pipeline.calm()
    return { batches, holder, waiting }
  }

  test('a run that waits is shown as queued, in the native API and in Airflow’s, and goes on when its turn comes', async () => {
    const { batches, holder, waiting } = await holderAndWaiting('shown')
    expect(await statusOf(holder)).toBe('running')
    expect(await statusOf(waiting)).toBe('queued')
    const dag = '/dags/average-speed/dagRuns/shown-waiting'
    expect((await send('GET', `/api/v1${dag}`))['state']).toBe('queued')
    expect((await send('GET', `/api/v2${dag}`))['state']).toBe('queued')
    await release()
    expect(await endingOf(pipeline, holder, batches[0])).toMatchObject(success)
    expect(await endingOf(pipeline, waiting, batches[1])).toMatchObject(success)
  })

  test('a run that is cancelled while it waits ends at once, and has had no cluster', async () => {
    const { batches, holder, waiting } = await holderAndWaiting('cancelled')
    await send('POST', '/runs/cancelled-waiting/cancel')
    expect(await endingOf(pipeline, waiting, batches[1])).toMatchObject({
      status: 'CANCELLED',
      clusters: 0,
      rawFilesIn: ['raw'],
      leaks: [],
    })
    await until('it is out of the line', async () => (await slots())?.waiting === 0)
    await release()
    expect(await endingOf(pipeline, holder, batches[0])).toMatchObject(success)
  })

  test('a run that is reset to before it asked does not wait for its own earlier cluster', async () => {
    await pipeline.dataprocSettings({ jobMs: HELD_MS })
    const batch = await putBatch(pipeline)
    const run = await post('reset', batch)
    await untilJob(pipeline, run)
    await pipeline.calm()
    const point = (await resetPoints(run)).find(({ before }) => before.includes('requestClusterSlot'))
    const again = await resetRun(pipeline, run, point?.eventId ?? 0)
    expect(await endingOf(pipeline, again, batch)).toMatchObject({ ...success, clusters: 2 })
    const clusters = (await ledger()).filter(({ metadata }) =>
      Object.values(metadata).includes(run.workflowId),
    )
    expect(mostAtOnce(clusters)).toBe(1)
  }, 180_000)

  test('a run that has ended and is reset to just before its creation gets in line anew', async () => {
    const batch = await putBatch(pipeline)
    const run = await post('ended', batch)
    await run.result()
    const { batches, holder } = await holderAndWaiting('others')
    const point = (await resetPoints(run)).find(({ before }) => before.includes('createCluster'))
    const again = await resetRun(pipeline, run, point?.eventId ?? 0)
    expect(await endingOf(pipeline, again, batch)).toMatchObject({ ...success, clusters: 1 })
    await release()
    expect(await endingOf(pipeline, holder, batches[0])).toMatchObject(success)
    await pipeline.temporal.workflow.getHandle(workflowIdOf('others-waiting')).result()
  }, 120_000)

  test('a keeper that is terminated is started by the next who asks, and counts the clusters that there are', async () => {
    const { batches, holder, waiting } = await holderAndWaiting('terminated')
    await pipeline.temporal.workflow.getHandle(KEEPER).terminate('a test')
    const batch = await putBatch(pipeline)
    const next = await post('terminated-next', batch)
    await untilQueued(next)
    expect((await slots())?.holders.map(({ workflowId }) => workflowId)).toEqual([holder.workflowId])
    await throughout('there is one cluster', 1000, async () => {
      const clusters = (await ledger()).filter(({ deleted }) => deleted === undefined)
      return clusters.length === 1
    })
    await release()
    expect(await endingOf(pipeline, holder, batches[0])).toMatchObject(success)
    // It asks again after a minute.
    expect(await endingOf(pipeline, waiting, batches[1])).toMatchObject(success)
    expect(await endingOf(pipeline, next, batch)).toMatchObject(success)
  }, 180_000)
})

interface Line {
  readonly created: string
  readonly deleted?: string
  readonly metadata: Readonly<Record<string, string>>
}

async function ledger(): Promise<readonly Line[]> {
  return (await pipeline.dataproc.get<{ readonly clusters: readonly Line[] }>('/ledger')).clusters
}
