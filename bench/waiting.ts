import { setTimeout as pause } from 'node:timers/promises'
import { GOOD_ROWS, putBatch } from '../test/support/batches.ts'
import { type Pipeline, startPipeline } from '../test/support/pipeline.ts'
import type { Bench, Outcome, Verdict } from './support/bench.ts'
import {
  checkDone,
  durationOf,
  productionWorker,
  readsPerMinute,
  type StartedRun,
  waitsOf,
} from './support/runs.ts'
import { median, quantile, summaryOf } from './support/statistics.ts'

const RUNS = 60
const MEDIAN_MS = 1000
const P95_MS = 2000
const READS_PER_MINUTE = 20

/** Clusters that boot for about a minute and jobs that take about a minute, none exactly as long as another. */
export const waiting: Bench = {
  name: 'waiting',
  question: 'how long does a paid cluster wait for us, with jobs of a minute?',
  async run(say): Promise<Outcome> {
    const pipeline = await startPipeline({ worker: await productionWorker() })
    try {
      await pipeline.dataproc.clear()
      const unsettle = jitter(pipeline)
      const runs: StartedRun[] = []
      for (let index = 0; index < RUNS; index++) {
        const batch = await putBatch(pipeline)
        runs.push({ batch, started: performance.now(), run: await pipeline.start(batch.input) })
        await pause(250)
      }
      say(`${RUNS} runs under way`)
      const durations = await Promise.all(runs.map(durationOf))
      await unsettle()
      const reads = await readsPerMinute(pipeline, durations)
      for (const { batch } of runs) await checkDone(pipeline, batch, GOOD_ROWS)
      const { toSubmit, toDelete } = await waitsOf(pipeline)
      return {
        series: [
          { name: 'from RUNNING to the job submitted', unit: 'ms', ...summaryOf(toSubmit) },
          { name: 'from the job terminal to the delete requested', unit: 'ms', ...summaryOf(toDelete) },
          { name: 'a whole run', unit: 'ms', ...summaryOf(durations) },
        ],
        verdicts: [
          ...verdictsOf('to submit', toSubmit),
          ...verdictsOf('to delete', toDelete),
          {
            goal: `at most ${READS_PER_MINUTE} reads a minute and run`,
            seen: reads.toFixed(1),
            met: reads <= READS_PER_MINUTE,
          },
        ],
        notes: ['The limit is 0. Polls are those of production.'],
      }
    } finally {
      await pipeline.close()
    }
  },
}

/** Goals on one of the waits. */
function verdictsOf(name: string, waits: readonly number[]): Verdict[] {
  const [middle, late] = [median(waits), quantile(waits, 0.95)]
  return [
    {
      goal: `${name}: median at most ${MEDIAN_MS} ms`,
      seen: `${middle.toFixed(0)} ms`,
      met: middle <= MEDIAN_MS,
    },
    { goal: `${name}: 95 % within ${P95_MS} ms`, seen: `${late.toFixed(0)} ms`, met: late <= P95_MS },
  ]
}

/** Keeps changing how long boots, jobs and deletes take, between 45 and 75 seconds. @returns ends it */
function jitter({ dataprocSettings }: Pipeline): () => Promise<void> {
  const ending = new AbortController()
  const minute = (): number => 45_000 + Math.random() * 30_000
  const loop = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      await dataprocSettings({ bootMs: minute(), jobMs: minute(), deleteMs: minute(), jobStartMs: 200 })
      await pause(100, undefined, { signal: ending.signal }).catch(() => undefined)
    }
  }
  const done = loop()
  return async () => {
    ending.abort()
    await done
  }
}
