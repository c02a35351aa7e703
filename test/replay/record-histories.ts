/**
 * Records histories of real runs, which `replay.test.ts` replays (P14). Run it when the workflow's shape has changed, see
 * docs/versioning.md:
 *
 *     npm run record-histories
 *
 * Each version of the package keeps its own folder; a folder that was released is never recorded again.
 */

import manifest from '../../package.json' with { type: 'json' }
import { clusterSlotsIdOf } from '../../workflows/contract.ts'
import { putBadBatch, putBatch } from '../support/batches.ts'
import { type Pipeline, type Run, startPipeline, untilJob, untilStep } from '../support/pipeline.ts'
import { writeHistory } from './histories.ts'

/** Longer than a recording takes. */
const HELD = { jobMs: 600_000 }

/** One run of each shape that a history can have. Each returns the run, which may be still open. */
const scenarios: Readonly<Record<string, (pipeline: Pipeline) => Promise<Run>>> = {
  async success(pipeline) {
    return pipeline.start((await putBatch(pipeline)).input)
  },
  async 'loaded-before'(pipeline) {
    const { input } = await putBatch(pipeline)
    await (await pipeline.start(input)).result()
    return pipeline.start(input)
  },
  async 'bad-data'(pipeline) {
    return pipeline.start((await putBadBatch(pipeline)).input)
  },
  async 'no-rows'(pipeline) {
    return pipeline.start((await putBatch(pipeline, { 'trips-0.json': '\n' })).input)
  },
  async 'load-failed'(pipeline) {
    await pipeline.bigquery.post('/job-faults', { type: 'load', reason: 'invalid' })
    return pipeline.start((await putBatch(pipeline)).input)
  },
  async 'creation-failed-twice'(pipeline) {
    await pipeline.dataproc.post('/cluster-faults', { kind: 'boot-failure', times: 2 })
    return pipeline.start((await putBatch(pipeline)).input)
  },
  async 'cluster-lost'(pipeline) {
    await pipeline.dataprocSettings(HELD)
    const run = await pipeline.start((await putBatch(pipeline)).input)
    await untilJob(pipeline, run)
    const [cluster] = (await pipeline.ledgerOf(run.workflowId)).clusters
    await pipeline.calm()
    await pipeline.dataproc.post(`/clusters/${cluster?.name}/vanish`, {})
    return run
  },
  async 'cancelled-before-load'(pipeline) {
    await pipeline.dataprocSettings(HELD)
    const run = await pipeline.start((await putBatch(pipeline)).input)
    await untilJob(pipeline, run)
    await run.cancel()
    return run
  },
  async 'invalid-input'(pipeline) {
    return pipeline.start({ rawPath: 'gs://nowhere/raw-1/' })
  },
  async queued(pipeline) {
    await pipeline.soleWorker({ MAX_CLUSTERS: '1' })
    await pipeline.dataprocSettings(HELD)
    const holder = await pipeline.start((await putBatch(pipeline)).input)
    await untilJob(pipeline, holder)
    const run = await pipeline.start((await putBatch(pipeline)).input)
    await untilStep(run, 'queued')
    await pipeline.calm()
    await pipeline.dataproc.post('/clock/advance', { ms: HELD.jobMs })
    return run
  },
  /** Of those who kept the slots, the one of the run before. */
  async 'cluster-slots'(pipeline) {
    return pipeline.temporal.workflow.getHandle(clusterSlotsIdOf('default'))
  },
}

const pipeline = await startPipeline()
try {
  for (const [name, scenario] of Object.entries(scenarios)) {
    const run = await scenario(pipeline)
    await run.result().catch(() => undefined)
    await pipeline.calm()
    const events = await writeHistory(`${manifest.version}/${name}`, await run.fetchHistory())
    console.log(`${name}: ${(await run.describe()).status.name} after ${events} events`)
  }
} finally {
  await pipeline.close()
}
