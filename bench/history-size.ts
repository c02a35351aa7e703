import pMap from 'p-map'
import { GOOD_ROWS, putBatch, type TestBatch } from '../test/support/batches.ts'
import { putObject } from '../test/support/objects.ts'
import { type Pipeline, startPipeline } from '../test/support/pipeline.ts'
import type { Bench, Outcome } from './support/bench.ts'

const FEW = 10
const MANY = 100_000
const GOAL_SHARE = 0.1

/** What a run's history holds, with few raw objects and with very many. */
export const historySize: Bench = {
  name: 'history-size',
  question: `does a run over ${MANY} raw objects have a larger history than one over ${FEW}?`,
  async run(say): Promise<Outcome> {
    const pipeline = await startPipeline()
    try {
      say(`a run over ${FEW} objects`)
      const few = await historyOf(pipeline, FEW)
      say(`a run over ${MANY} objects`)
      const many = await historyOf(pipeline, MANY)
      const share = Math.abs(many.bytes - few.bytes) / few.bytes
      const one = (name: string, value: number, unit: string) => ({
        name,
        unit,
        count: 1,
        median: value,
        p10: value,
        p90: value,
      })
      return {
        series: [
          one(`events, ${FEW} objects`, few.events, 'events'),
          one(`events, ${MANY} objects`, many.events, 'events'),
          one(`payloads, ${FEW} objects`, few.bytes, 'bytes'),
          one(`payloads, ${MANY} objects`, many.bytes, 'bytes'),
        ],
        verdicts: [
          {
            goal: 'events equal',
            seen: `${few.events} and ${many.events}`,
            met: few.events === many.events,
          },
          {
            goal: `payload bytes within ${GOAL_SHARE * 100} %`,
            seen: `${(share * 100).toFixed(1)} %`,
            met: share <= GOAL_SHARE,
          },
        ],
        notes: ['The Spark job is a stub that reads the manifest; both runs archived every object.'],
      }
    } finally {
      await pipeline.close()
    }
  },
}

async function historyOf(
  pipeline: Pipeline,
  objects: number,
): Promise<{ readonly events: number; readonly bytes: number }> {
  const batch = await batchOf(pipeline, objects)
  const run = await pipeline.start(batch.input)
  const { filesArchived, rowsLoaded } = await run.result()
  if (filesArchived !== objects || rowsLoaded !== GOOD_ROWS)
    throw new Error(`${filesArchived} of ${objects} files archived, ${rowsLoaded} rows loaded.`)
  const events = (await run.fetchHistory()).events ?? []
  return { events: events.length, bytes: payloadBytes(events) }
}

/** Two files with rows, and empty ones beside them. */
async function batchOf(pipeline: Pipeline, objects: number): Promise<TestBatch> {
  const batch = await putBatch(pipeline)
  await pMap(
    Array.from({ length: objects - Object.keys(batch.files).length }, (_, index) => index),
    (index) =>
      putObject(
        pipeline.google.storage,
        `${batch.input.rawPath}empty-${String(index).padStart(6, '0')}.json`,
        '',
      ),
    { concurrency: 64 },
  )
  return batch
}

/** Bytes in all payloads, wherever they are in the events. */
function payloadBytes(value: unknown): number {
  if (value instanceof Uint8Array) return value.length
  if (typeof value !== 'object' || value === null) return 0
  return Object.values(value).reduce<number>((sum, inner) => sum + payloadBytes(inner), 0)
}
