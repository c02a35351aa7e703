import { randomUUID } from 'node:crypto'
import { type ActivityBench, activityBench, attemptFor, DEADLINES } from '../test/support/activities.ts'
import { loadsOf, placesOf, putBatch, type TestBatch } from '../test/support/batches.ts'
import { type Pipeline, startPipeline } from '../test/support/pipeline.ts'
import type { Bench, Outcome } from './support/bench.ts'
import { median, summaryOf } from './support/statistics.ts'

const RUNS = 40
const WARM_UP = 5
const GOAL_MS = 400

/** A cloud that answers at once. */
const NO_DELAYS = { bootMs: 0, deleteMs: 0, jobStartMs: 0, jobMs: 0, jobMode: 'stub' }

/** A run through Temporal, against the same calls to Google from a plain script; in turns, on one cloud. */
export const orchestration: Bench = {
  name: 'orchestration',
  question: 'what does orchestration add to a run, in a cloud without delays?',
  async run(say): Promise<Outcome> {
    const pipeline = await startPipeline()
    try {
      await pipeline.dataprocSettings(NO_DELAYS)
      const script = activityBench(pipeline.cloud, pipeline.google, {
        polling: { minimum: 50, maximum: 200 },
      })
      const orchestrated: number[] = []
      const plain: number[] = []
      for (let run = -WARM_UP; run < RUNS; run++) {
        const first = await timed(pipeline, (batch) => throughTemporal(pipeline, batch))
        const second = await timed(pipeline, (batch) => inAPlainScript(script, batch))
        if (run < 0) continue
        orchestrated.push(first)
        plain.push(second)
        if (run % 10 === 0) say(`${run} of ${RUNS}`)
      }
      const added = median(orchestrated) - median(plain)
      return {
        series: [
          { name: 'a run through Temporal', unit: 'ms', ...summaryOf(orchestrated) },
          { name: 'the same calls in a plain script', unit: 'ms', ...summaryOf(plain) },
        ],
        verdicts: [
          {
            goal: `median added at most ${GOAL_MS} ms`,
            seen: `${added.toFixed(0)} ms`,
            met: added <= GOAL_MS,
          },
        ],
        notes: [
          `${(median(orchestrated) / median(plain)).toFixed(2)} × the script; after each, the rows and the places of the files were looked at.`,
        ],
      }
    } finally {
      await pipeline.close()
    }
  },
}

/** @throws Error unless the batch is loaded and archived, and nothing else is left */
async function timed(pipeline: Pipeline, work: (batch: TestBatch) => Promise<unknown>): Promise<number> {
  const batch = await putBatch(pipeline)
  const started = performance.now()
  await work(batch)
  const took = performance.now() - started
  const { rows } = await loadsOf(pipeline, batch)
  const places = await placesOf(pipeline, batch)
  const archived = Object.values(places.rawFiles).every((place) => place === 'processed')
  if (rows !== 6 || !archived || places.others.length + places.claims.length > 0)
    throw new Error(`The batch is not where it should be: ${JSON.stringify({ rows, places })}`)
  return took
}

async function throughTemporal(pipeline: Pipeline, { input }: TestBatch): Promise<void> {
  const run = await pipeline.start(input)
  await run.result()
}

async function inAPlainScript(
  { plan: planOf, open, call }: ActivityBench,
  { input }: TestBatch,
): Promise<void> {
  const options = { workflowId: `script-${randomUUID()}` }
  open.add(options.workflowId)
  const plan = planOf(input)
  await call('claimBatch', [plan], options)
  const batch = await call('describeRawFiles', [plan], options)
  await call('findLoad', [plan, batch], options)
  const attempt = attemptFor(plan)
  const cluster = await call('createCluster', [attempt, DEADLINES], options)
  await call('runSparkJob', [plan, batch, attempt, cluster], options)
  const output = await call('verifyOutput', [plan, batch, attempt], options)
  await call('deleteClusterIfPresent', [{ uuid: cluster.uuid, key: attempt.key }], options)
  await call('claimTableIfFree', [plan], options)
  await call('loadTable', [plan, attempt, output], options)
  await call('archiveRawFiles', [plan], options)
  await call('deleteTemporaryFiles', [plan, attempt], options)
  await call('releaseBatch', [plan], options)
}
