import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { startWarehouseBench, type WarehouseBench } from '../activities/warehouse-bench.ts'

/** The faults of the system that this one replaces, each of which must not come back; those of the output table. */

let bench: WarehouseBench
beforeAll(async () => {
  bench = await startWarehouseBench()
})
afterAll(() => bench?.close())

describe('fault 14: concurrent runs do not truncate each other without a word', () => {
  test('the run that replaces a batch says which', async () => {
    const outputTable = bench.table()
    const first = await bench.ready({ rawPath: 'table/raw-1', outputTable }, 2)
    const second = await bench.ready({ rawPath: 'table/raw-2', outputTable }, 3)
    await bench.load(first)
    expect(await bench.load(second)).toMatchObject({ replacedBatch: first.plan.rawPath })
  })

  test('of two runs at the same time the table holds one batch, whole, and the newer one', async () => {
    const outputTable = bench.table()
    const older = await bench.ready({ rawPath: 'two/raw-1', outputTable }, 2)
    const newer = await bench.ready({ rawPath: 'two/raw-2', outputTable }, 3)
    bench.bench.open.add('older').add('newer')
    const outcomes = await Promise.allSettled([bench.load(newer, 'newer'), bench.load(older, 'older')])
    bench.bench.open.clear()
    expect(outcomes[0]?.status).toBe('fulfilled')
    expect(await bench.rowsIn(outputTable)).toBe(3)
  })

  test('an empty or failed load leaves the table as it was', async () => {
    const outputTable = bench.table()
    await bench.load(await bench.ready({ rawPath: 'table/raw-3', outputTable }, 2))
    const bad = await bench.ready({ rawPath: 'table/raw-4', outputTable }, 3)
    await bench.bigquery.post('/job-faults', { type: 'load', reason: 'invalid' })
    await expect(bench.load(bad)).rejects.toMatchObject({ type: 'LoadFailed' })
    expect(await bench.rowsIn(outputTable)).toBe(2)
  })
})
