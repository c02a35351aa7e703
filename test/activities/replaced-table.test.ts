import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { TABLE_SCHEMA } from '../../activities/table-schema.ts'
import { holdCall } from '../support/holds.ts'
import { contents, putObject, removeObject } from '../support/objects.ts'
import { until } from '../support/until.ts'
import { ROW, startWarehouseBench, type WarehouseBench } from './warehouse-bench.ts'

let bench: WarehouseBench
let outputTable: string
let batches = 0

beforeAll(async () => {
  bench = await startWarehouseBench()
})
beforeEach(async () => {
  await bench.reset()
  bench.bench.ended.clear()
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
    await expect(
      bench.bench.call('loadTable', [older.plan, older.attempt, older.output]),
    ).rejects.toMatchObject({
      type: 'NewerBatchLoaded',
    })
    expect(await bench.rowsIn(outputTable)).toBe(3)
  })

  test('P7: repeating the load of a batch that was replaced since changes nothing', async () => {
    const [older, newer, newest] = [await next({}, 2), await next({}, 3), await next({}, 4)]
    await bench.load(older)
    await bench.load(newer)
    await bench.bench.call('loadTable', [older.plan, older.attempt, older.output])
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

/** What the note beside the table says, and what the table holds. */
async function noted() {
  const uri = `gs://${bench.cloud.get('STATE_BUCKET')}/tables/${outputTable}/`
  const { 'state.json': state = '{}' } = await contents(bench.google.storage, uri)
  return { ...JSON.parse(state), rows: await bench.rowsIn(outputTable) }
}

/** An outcome that is looked at later. */
const outcomeOf = (load: Promise<unknown>) =>
  load.then(
    () => 'loaded',
    ({ type }: { type?: string }) => type,
  )

describe('row 5: a load of a run that was terminated while its worker was frozen', () => {
  test.each([
    ['before the job is asked for', 'bigquery', { on: 'jobs.insert' }],
    ['before the note is looked at', 'storage', { on: 'objects.get', match: 'state.json', skip: 1 }],
    ['before it is announced', 'storage', { on: 'objects.insert', match: 'state.json' }],
    ['before the id is looked at', 'bigquery', { on: 'jobs.get', skip: 2 }],
  ] as const)(
    '%s: does not replace the batch that was loaded since, and the note tells the truth',
    async (_, where, call) => {
      for (const more of [{}, { reload: 'on-purpose' }]) {
        outputTable = bench.table()
        const [old, newer] = [await next({ outputTable, ...more }, 2), await next({ outputTable }, 3)]
        const hold = await holdCall(bench[where], call)
        bench.bench.open.add('old')
        const loading = outcomeOf(bench.load(old, 'old'))
        await hold.reached()
        bench.bench.open.delete('old')
        bench.bench.ended.add('old')
        await bench.load(newer, 'new')
        await hold.release('go')
        expect(await loading).toBe('ExecutionEnded')
        expect(await noted()).toMatchObject({ holds: { rawPath: newer.plan.rawPath }, rows: 3 })
        expect(await noted()).not.toHaveProperty('loading')
      }
    },
  )

  test('whose job comes just before its id is used up: it stands, and is replaced', async () => {
    const [old, newer] = [await next({}, 2), await next({}, 3)]
    const asking = await holdCall(bench.bigquery, { on: 'jobs.insert' })
    const loading = outcomeOf(bench.load(old, 'old'))
    await asking.reached()
    bench.bench.ended.add('old')
    const usingUp = await holdCall(bench.bigquery, { on: 'jobs.insert' })
    const replacing = bench.load(newer, 'new')
    await usingUp.reached()
    await asking.release('go')
    await until('the old load is there', async () => (await bench.loadJobs(outputTable)).length > 0)
    await usingUp.release('go')
    expect(await replacing).toMatchObject({ replacedBatch: old.plan.rawPath })
    await loading
    expect(await noted()).toMatchObject({ holds: { rawPath: newer.plan.rawPath }, rows: 3 })
  })

  test('is loaded by the next run of its batch, under the next number', async () => {
    const [old, other] = [await next({}, 2), await next({}, 3)]
    const hold = await holdCall(bench.bigquery, { on: 'jobs.insert' })
    const loading = outcomeOf(bench.load(old, 'old'))
    await hold.reached()
    bench.bench.ended.add('old')
    await bench.load(other, 'other')
    const again = await bench.ready({ rawPath: old.plan.rawPath, outputTable, reload: 'again' }, 2)
    const late = await bench.ready({ rawPath: `other/${old.plan.batchName}`, outputTable }, 4)
    expect(await bench.load(again, 'again')).toMatchObject({ replacedBatch: other.plan.rawPath })
    expect(await bench.load(late, 'late')).toMatchObject({ replacedBatch: again.plan.rawPath })
    await hold.release('go')
    expect(await loading).toBe('ExecutionEnded')
    expect(await bench.rowsIn(outputTable)).toBe(4)
  })

  test('a lost reply to the job that uses an id up: the turn goes on', async () => {
    const [old, newer] = [await next({}, 2), await next({}, 3)]
    await bench.bigquery.addFault({ on: 'jobs.insert', kind: 'error', code: 403, reason: 'accessDenied' })
    expect(await outcomeOf(bench.load(old, 'old'))).toBe('PermissionDenied')
    await bench.bigquery.addFault({ on: 'jobs.insert', when: 'after', kind: 'drop' })
    expect(await bench.load(newer, 'new')).not.toHaveProperty('replacedBatch')
    expect(await bench.load(newer, 'new')).toMatchObject({ rows: 3 })
    expect(await noted()).toMatchObject({ holds: { rawPath: newer.plan.rawPath }, rows: 3 })
  })
})

describe('row 6: an output of which a part is gone when its load is carried out', () => {
  test.each(['WRITE_APPEND', 'WRITE_TRUNCATE'] as const)(
    'is not loaded in part by %s, and the next run loads it whole',
    async (writeDisposition) => {
      const batch = await next({ writeDisposition })
      const { attempt, plan } = batch
      await putObject(bench.google.storage, `${attempt.outputPath}part-00001`, ROW)
      const output = { ...batch.output, parts: await bench.partsOf(attempt), rowsWritten: 3 }
      const hold = await holdCall(bench.bigquery, { on: 'jobs.insert' })
      const loading = outcomeOf(bench.load({ ...batch, output }, 'swept'))
      await hold.reached()
      bench.bench.ended.add('swept')
      await removeObject(bench.google.storage, `${attempt.outputPath}part-00001`)
      await hold.release('go')
      expect(await loading).toBe('NotFound')
      const again = await bench.ready({ rawPath: plan.rawPath, outputTable, writeDisposition }, 3)
      expect(await bench.load(again, 'again')).toMatchObject({ rows: 3 })
      expect(await bench.rowsIn(outputTable)).toBe(3)
    },
  )

  test.each([
    ['has lost a part', (path: string) => removeObject(bench.google.storage, `${path}part-00000`)],
    ['has got one more', (path: string) => putObject(bench.google.storage, `${path}part-00009`, ROW)],
  ])('since it was verified (it %s) is OutputGone, and nothing is asked of BigQuery', async (_, change) => {
    const batch = await next()
    await change(batch.attempt.outputPath)
    expect(await outcomeOf(bench.load(batch))).toBe('OutputGone')
    expect(await bench.loadJobs(outputTable)).toEqual([])
  })
})

describe('row 15: the owner of a table', () => {
  const table = () => {
    const [, dataset = '', name = ''] = outputTable.split('.')
    return bench.google.bigquery.dataset(dataset).table(name)
  }
  const OWNED = {
    description: 'Trips of the month',
    labels: { team: 'trips' },
    expirationTime: '4102444800000',
    timePartitioning: { type: 'DAY', field: 'pickup_datetime' },
    clustering: { fields: ['payment_type'] },
  }
  /** Columns in another order, with what an owner adds to them. */
  const owned = () => [
    { name: 'reviewed_by', type: 'STRING', description: 'filled by hand' },
    ...TABLE_SCHEMA.fields.toReversed().map((field) => ({
      ...field,
      mode: field.name === 'vendor_id' ? 'REQUIRED' : 'NULLABLE',
      description: `about ${field.name}`,
      ...(field.name === 'payment_type' && {
        policyTags: { names: ['projects/p/locations/us/taxonomies/1/policyTags/2'] },
      }),
    })),
  ]

  test.each(['WRITE_TRUNCATE', 'WRITE_APPEND'])(
    'keeps what the table has, and its columns, by %s',
    async (writeDisposition) => {
      const labels = { ...OWNED.labels, state_bucket: bench.cloud.get('STATE_BUCKET') }
      await table().create({ ...OWNED, labels, schema: { fields: owned() } })
      const [before] = await table().getMetadata()
      await bench.load(await next({ writeDisposition }))
      await bench.load(await next({ writeDisposition }, 3))
      const [after] = await table().getMetadata()
      expect(after).toMatchObject({ ...OWNED, labels })
      expect(after.schema).toEqual(before.schema)
      expect(await bench.rowsIn(outputTable)).toBe(writeDisposition === 'WRITE_APPEND' ? 5 : 3)
      const [[row]] = await table().getRows()
      expect(row).toMatchObject({ vendor_id: 'CMT', average_speed: 12.5, reviewed_by: null })
    },
  )

  test.each([
    [
      'lacks a column',
      (fields: ReturnType<typeof owned>) => fields.filter(({ name }) => name !== 'fare_amount'),
      /it lacks fare_amount \(FLOAT\)/,
    ],
    [
      'has another type',
      (fields: ReturnType<typeof owned>) =>
        fields.map((field) => (field.name === 'fare_amount' ? { ...field, type: 'STRING' } : field)),
      /fare_amount is STRING, and the run writes FLOAT/,
    ],
    [
      'requires a column that is not written',
      (fields: ReturnType<typeof owned>) =>
        fields.map((field) => (field.name === 'reviewed_by' ? { ...field, mode: 'REQUIRED' } : field)),
      /reviewed_by is required/,
    ],
  ])('whose table %s is told so before a cluster is paid for', async (_, change, message) => {
    const labels = { state_bucket: bench.cloud.get('STATE_BUCKET') }
    await table().create({ labels, schema: { fields: change(owned()) } })
    const { plan, batch } = await next()
    await expect(bench.bench.call('findLoad', [plan, batch])).rejects.toMatchObject({
      type: 'SchemaMismatch',
      nonRetryable: true,
      message: expect.stringMatching(message),
    })
  })
})
