import type { AverageSpeedInput } from '../../workflows/contract.ts'
import { putBatch, type TestBatch } from '../support/batches.ts'
import type { Pipeline } from '../support/pipeline.ts'
import { type PlannedRun, RUNS_OF } from './plan.ts'

/** A batch of the suite: its rows can be told from those of others in the same table. */
export interface ChaosBatch extends TestBatch {
  /** `vendor_id` of every row. */
  readonly mark: string
  readonly rows: number
  readonly isBad: boolean
}

const MINUTES = [
  [10, 20, 30],
  [15, 25, 35],
]
const ROWS = MINUTES.flat().length

/** Exports what the runs of a plan work on, one batch for each run, the same one for rivals. */
export async function putBatches(pipeline: Pipeline, plan: PlannedRun): Promise<ChaosBatch[]> {
  const runs = RUNS_OF[plan.kind]
  const batches: ChaosBatch[] = []
  for (let i = 0; i < (plan.kind === 'rivals' ? 1 : runs); i++) {
    const mark = `run-${plan.number}-${plan.misses}-${i}`
    const isBad = plan.kind === 'bad-data'
    const put = await putBatch(pipeline, filesOf(mark, isBad))
    const input: AverageSpeedInput & { rawPath: string; outputTable: string } = {
      ...put.input,
      outputTable: batches[0]?.input.outputTable ?? put.input.outputTable,
      writeDisposition: plan.kind.endsWith('replacing') ? 'WRITE_TRUNCATE' : 'WRITE_APPEND',
    }
    batches.push({ ...put, input, mark, rows: ROWS, isBad })
  }
  const [only] = batches
  return plan.kind === 'rivals' && only !== undefined ? [only, only] : batches
}

function filesOf(mark: string, isBad: boolean): Record<string, string> {
  const files = MINUTES.map((minutes, i) => [`trips-${i}.json`, trips(mark, minutes)] as const)
  return { ...Object.fromEntries(files), ...(isBad && { 'trips-1.json': 'this is no JSON\nnor is this\n' }) }
}

function trips(mark: string, minutes: readonly number[]): string {
  const line = (end: number): string =>
    JSON.stringify({
      vendor_id: mark,
      pickup_datetime: '2019-03-01 20:00:00 UTC',
      dropoff_datetime: `2019-03-01 20:${String(end).padStart(2, '0')}:00 UTC`,
      passenger_count: '1',
      trip_distance: 2.3,
    })
  return minutes.map((end) => `${line(end)}\n`).join('')
}
