import proto from '@temporalio/proto'
import { GOOD_ROWS, putBatch, type TestBatch } from '../test/support/batches.ts'
import { type Pipeline, startPipeline } from '../test/support/pipeline.ts'
import type { Bench, Outcome } from './support/bench.ts'
import { putObjects } from './support/put-objects.ts'
import { median, summaryOf } from './support/statistics.ts'

const { EventType } = proto.temporal.api.enums.v1

const FEW = 10
const MANY = 100_000
/** One run has as many workflow tasks as chance gives it; some runs show how many. */
const FEW_RUNS = 5
const GOAL_SHARE = 0.1

/** What a run's history holds, with few raw objects and with very many. */
export const historySize: Bench = {
  name: 'history-size',
  question: `does a run over ${MANY} raw objects have a larger history than one over ${FEW}?`,
  async run(say): Promise<Outcome> {
    const pipeline = await startPipeline()
    try {
      // The first of all waits for the keeper of the slots to start, which makes three events.
      await sizeOfRun(pipeline, FEW)
      say(`${FEW_RUNS} runs over ${FEW} objects`)
      const few: Size[] = []
      while (few.length < FEW_RUNS) few.push(await sizeOfRun(pipeline, FEW))
      say(`a run over ${MANY} objects`)
      const many = await sizeOfRun(pipeline, MANY)
      const seriesOf = (name: string, unit: string, size: (run: Size) => number) => [
        { name: `${name}, ${FEW} objects`, unit, ...summaryOf(few.map(size)) },
        { name: `${name}, ${MANY} objects`, unit, ...summaryOf([size(many)]) },
      ]
      const steps = new Set(few.map((run) => run.steps))
      const bytes = median(few.map((run) => run.bytes))
      const share = Math.abs(many.bytes - bytes) / bytes
      return {
        series: [
          ...seriesOf('events but those of workflow tasks', 'events', (run) => run.steps),
          ...seriesOf('all events', 'events', (run) => run.events),
          ...seriesOf('payloads', 'bytes', (run) => run.bytes),
        ],
        verdicts: [
          {
            goal: 'events equal, but for those of workflow tasks',
            seen: `${[...steps].join(' or ')} and ${many.steps}`,
            met: steps.size === 1 && steps.has(many.steps),
          },
          {
            goal: `payload bytes within ${GOAL_SHARE * 100} %`,
            seen: `${(share * 100).toFixed(1)} %`,
            met: share <= GOAL_SHARE,
          },
        ],
        notes: [
          'The Spark job is a stub that reads the manifest; the runs archived every object.',
          'How many workflow tasks a run has depends on which of its activities end at the same time.',
        ],
      }
    } finally {
      await pipeline.close()
    }
  },
}

/** A history's events, those among them that no workflow task is about, and the bytes of all payloads. */
interface Size {
  readonly events: number
  readonly steps: number
  readonly bytes: number
}

async function sizeOfRun(pipeline: Pipeline, objects: number): Promise<Size> {
  const batch = await batchOf(pipeline, objects)
  const run = await pipeline.start(batch.input)
  const { filesArchived, rowsLoaded } = await run.result()
  if (filesArchived !== objects || rowsLoaded !== GOOD_ROWS)
    throw new Error(`${filesArchived} of ${objects} files archived, ${rowsLoaded} rows loaded.`)
  const events = (await run.fetchHistory()).events ?? []
  const steps = events.filter(
    ({ eventType }) => !EventType[eventType ?? 0]?.startsWith('EVENT_TYPE_WORKFLOW_TASK_'),
  )
  return { events: events.length, steps: steps.length, bytes: payloadBytes(events) }
}

/** Two files with rows, and empty ones beside them. */
async function batchOf(pipeline: Pipeline, objects: number): Promise<TestBatch> {
  const batch = await putBatch(pipeline)
  await putObjects(pipeline.cloud, batch.input.rawPath, objects - Object.keys(batch.files).length, '')
  return batch
}

/** Bytes in all payloads, wherever they are in the events. */
function payloadBytes(value: unknown): number {
  if (value instanceof Uint8Array) return value.length
  if (typeof value !== 'object' || value === null) return 0
  return Object.values(value).reduce<number>((sum, inner) => sum + payloadBytes(inner), 0)
}
