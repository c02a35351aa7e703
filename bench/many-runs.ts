import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { GOOD_ROWS, putBatch } from '../test/support/batches.ts'
import { type Pipeline, startPipeline } from '../test/support/pipeline.ts'
import type { Bench, Outcome } from './support/bench.ts'
import {
  checkDone,
  durationOf,
  productionWorker,
  readsPerMinute,
  type StartedRun,
  waitsOf,
} from './support/runs.ts'
import { summaryOf } from './support/statistics.ts'

const RUNS = 200
const ALONE = 3
const ARRIVAL_MS = 60_000
const GOAL_RATIO = 1.25
const GOAL_MIB = 500
const SIMULATED_MS = 60_000

/** Two hundred runs on one worker process, with Google's quotas in force. */
export const manyRuns: Bench = {
  name: 'many-runs',
  question: 'do 200 runs on one worker process take longer than one alone?',
  async run(say): Promise<Outcome> {
    const pipeline = await startPipeline({ worker: await productionWorker() })
    try {
      await pipeline.dataprocSettings({
        bootMs: SIMULATED_MS,
        jobMs: SIMULATED_MS,
        deleteMs: SIMULATED_MS,
        jobStartMs: 200,
      })
      await pipeline.dataproc.put('/quotas', { enabled: true })
      say(`${ALONE} runs that are hardly disturbed`)
      const alone = await Promise.all((await arrivals(pipeline, ALONE, 3000)).map(durationOf))
      await pipeline.dataproc.clear()
      say(`${RUNS} runs within a minute`)
      const runs = await arrivals(pipeline, RUNS, ARRIVAL_MS)
      const together = await Promise.all(runs.map(durationOf))
      const reads = await readsPerMinute(pipeline, together)
      const mebibytes = peakMebibytes(pipeline.worker.pid)
      say('checking each batch')
      for (const { batch } of runs) await checkDone(pipeline, batch, GOOD_ROWS)
      const { toSubmit, toDelete } = await waitsOf(pipeline)
      const ratio = mean(together) / mean(alone)
      return {
        series: [
          { name: 'one run alone', unit: 'ms', ...summaryOf(alone) },
          { name: `one of ${RUNS} runs`, unit: 'ms', ...summaryOf(together) },
          { name: 'from RUNNING to the job submitted', unit: 'ms', ...summaryOf(toSubmit) },
          { name: 'from the job terminal to the delete requested', unit: 'ms', ...summaryOf(toDelete) },
        ],
        verdicts: [
          { goal: 'all right', seen: `${together.length} of ${RUNS}`, met: together.length === RUNS },
          {
            goal: `mean at most ${GOAL_RATIO} × one alone`,
            seen: `${ratio.toFixed(2)} ×`,
            met: ratio <= GOAL_RATIO,
          },
          {
            goal: `worker at most ${GOAL_MIB} MiB`,
            seen: `${mebibytes.toFixed(0)} MiB`,
            met: mebibytes <= GOAL_MIB,
          },
        ],
        notes: [
          `Google's quotas were in force in the stand-in; reads a minute and run: ${reads.toFixed(1)}.`,
        ],
      }
    } finally {
      await pipeline.close()
    }
  },
}

async function arrivals(pipeline: Pipeline, count: number, withinMs: number): Promise<StartedRun[]> {
  const batches = await Promise.all(Array.from({ length: count }, () => putBatch(pipeline)))
  return Promise.all(
    batches.map(async (batch, index) => {
      await pause((withinMs / count) * index)
      const started = performance.now()
      return { batch, started, run: await pipeline.start(batch.input) }
    }),
  )
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/** The most memory that a process had at once. */
function peakMebibytes(pid: number): number {
  const [, kibibytes = 'NaN'] = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kibibytes) / 1024
}
