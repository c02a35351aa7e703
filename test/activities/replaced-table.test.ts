import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { until } from '../support/until.ts'
import { startWarehouseBench, type WarehouseBench } from './warehouse-bench.ts'

let bench: WarehouseBench
let outputTable: string
let batches = 0

beforeAll(async () => {
  bench = await startWarehouseBench()
})
beforeEach(async () => {
  await bench.reset()
  outputTable = bench.table()
})
afterAll(() => bench?.close())

/** A batch that is newer than those before it. */
const next = (more: object = {}, rows = 2) =>
  bench.ready({ rawPath: `loads/raw-${String(++batches).padStart(4, '0')}`, outputTable, ...more }, rows)

describe('a table that is replaced as a whole', () => {
  test('P7: holds the last batch loaded, and the run reports which it replaced, also when it is repeated', async () => {
    const [first, second] = [await next({}, 2), await next({}, 3)]
    expect(await bench.load(first)).not.toHaveProperty('replacedBatch')
    expect(await bench.load(second)).toMatchObject({ replacedBatch: first.plan.rawPath })
    expect(await bench.load(second)).toMatchObject({ replacedBatch: first.plan.rawPath })
    expect(await bench.rowsIn(outputTable)).toBe(3)
  })

  test('P7: an older batch does not silently replace a newer one', async () => {
    const [older, newer] = [await next({}, 2), await next({}, 3)]
    await bench.load(newer)
    await expect(bench.bench.call('claimTable', [older.plan], { workflowId: 'older' })).rejects.toMatchObject(
      {
        type: 'NewerBatchLoaded',
        nonRetryable: true,
        message: expect.stringMatching(/holds gs:.*which is newer than gs:.*"reload"/),
      },
    )
    const reload = await bench.ready({ rawPath: older.plan.rawPath, outputTable, reload: 'on-purpose' }, 2)
    expect(await bench.load(reload)).toMatchObject({ replacedBatch: newer.plan.rawPath })
    expect(await bench.rowsIn(outputTable)).toBe(2)
  })

  test('P7: a reset to the load, after the claim was given up, does not replace a newer batch either', async () => {
    const [older, newer] = [await next({}, 2), await next({}, 3)]
    await bench.load(newer)
    await expect(bench.bench.call('loadTable', [older.plan, older.attempt])).rejects.toMatchObject({
      type: 'NewerBatchLoaded',
    })
    expect(await bench.rowsIn(outputTable)).toBe(3)
  })

  test('P7: repeating the load of a batch that was replaced since changes nothing', async () => {
    const [older, newer, newest] = [await next({}, 2), await next({}, 3), await next({}, 4)]
    await bench.load(older)
    await bench.load(newer)
    await bench.bench.call('loadTable', [older.plan, older.attempt])
    expect(await bench.rowsIn(outputTable)).toBe(3)
    expect(await bench.load(newest)).toMatchObject({ replacedBatch: newer.plan.rawPath })
  })

  test('P7: waits while another open run has the table', async () => {
    const [first, second] = [await next(), await next()]
    bench.bench.open.add('first').add('second')
    await bench.bench.call('claimTable', [first.plan], { workflowId: 'first' })
    let claimed = false
    const claim = bench.bench.call('claimTable', [second.plan], { workflowId: 'second' }).then(() => {
      claimed = true
    })
    const looks = (await bench.storage.calls())['objects.get'] ?? 0
    await until(
      'the claim was looked at again and again',
      async () => ((await bench.storage.calls())['objects.get'] ?? 0) >= looks + 5,
    )
    expect(claimed).toBe(false)
    await bench.bench.call('releaseTable', [first.plan], { workflowId: 'first' })
    await claim
    bench.bench.open.clear()
  })

  test('P7: is claimed without a wait only if no other run has it', async () => {
    const [first, second] = [await next(), await next()]
    const claim = ({ plan }: typeof first, workflowId: string) =>
      bench.bench.call('claimTableIfFree', [plan], { workflowId })
    bench.bench.open.add('first').add('second')
    expect(await claim(first, 'first')).toBe(true)
    expect(await claim(first, 'first')).toBe(true)
    expect(await claim(second, 'second')).toBe(false)
    await bench.load(first, 'first')
    expect(await claim(second, 'second')).toBe(true)
    bench.bench.open.clear()
  })

  test('P7: is not claimed without a wait while the load of a run that died is under way', async () => {
    const [first, second] = [await next(), await next()]
    await bench.bigquery.put('/settings', { loadMs: 1000 })
    const loading = bench.load(first, 'dies')
    await until('there is a job', async () => (await bench.loadJobs(outputTable)).length > 0)
    const options = { workflowId: 'second' }
    expect(await bench.bench.call('claimTableIfFree', [second.plan], options)).toBe(false)
    await bench.bench.call('claimTable', [second.plan], options)
    await bench.bigquery.put('/settings', { loadMs: 0 })
    await loading
    expect(await bench.load(second, 'second')).toMatchObject({ replacedBatch: first.plan.rawPath })
  })

  test('P7: is not claimed without a wait for an older batch either', async () => {
    const [older, newer] = [await next({}, 2), await next({}, 3)]
    await bench.load(newer)
    await expect(
      bench.bench.call('claimTableIfFree', [older.plan], { workflowId: 'older' }),
    ).rejects.toMatchObject({ type: 'NewerBatchLoaded' })
  })

  test('P2: the claim of a run that was terminated is taken over', async () => {
    const [first, second] = [await next(), await next()]
    await bench.bench.call('claimTable', [first.plan], { workflowId: 'terminated' })
    expect(await bench.load(second, 'second')).toMatchObject({ rows: 2 })
  })

  test('P7: a run that died between the load and its note is known to have loaded all the same', async () => {
    const [first, second] = [await next({}, 2), await next({}, 3)]
    await bench.storage.addFault({
      on: 'objects.insert',
      match: 'state.json',
      skip: 1,
      kind: 'error',
      code: 403,
    })
    await expect(bench.load(first, 'dies')).rejects.toMatchObject({ type: 'PermissionDenied' })
    await bench.storage.clear()
    expect(await bench.rowsIn(outputTable)).toBe(2)
    expect(await bench.load(second)).toMatchObject({ replacedBatch: first.plan.rawPath })
  })

  test('P7: a run that died before its load is known not to have loaded', async () => {
    const [first, second, third] = [await next({}, 2), await next({}, 3), await next({}, 4)]
    await bench.load(first)
    await bench.bigquery.post('/job-faults', { type: 'load', reason: 'invalid' })
    await expect(bench.load(second)).rejects.toMatchObject({ type: 'LoadFailed' })
    expect(await bench.load(third)).toMatchObject({ replacedBatch: first.plan.rawPath })
  })

  test.each([0, 1])('a lost reply to the note of a load (number %i): it is noted once', async (skip) => {
    const [first, second] = [await next({}, 2), await next({}, 3)]
    await bench.load(first)
    await bench.storage.addFault({
      on: 'objects.insert',
      match: 'state.json',
      skip,
      when: 'after',
      kind: 'drop',
    })
    expect(await bench.load(second)).toMatchObject({ replacedBatch: first.plan.rawPath })
    expect(await bench.rowsIn(outputTable)).toBe(3)
  })
})
