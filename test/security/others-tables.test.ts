import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { createClaims } from '../../activities/claims.ts'
import { loadIdOf } from '../../activities/load-jobs.ts'
import { notesFolder } from '../../activities/storage/own-folder.ts'
import { TABLE_SCHEMA } from '../../activities/table-schema.ts'
import { startWarehouseBench, type WarehouseBench } from '../activities/warehouse-bench.ts'
import { type ActivityBench, activityBench, NAMESPACE_ID } from '../support/activities.ts'
import { changes, tablesOf } from './support/bystanders.ts'
import { outcomeOf } from './support/outcome.ts'

const DATASET = 'ComposerDemo'

let warehouse: WarehouseBench
let bench: ActivityBench
let batches = 0
beforeAll(async () => {
  warehouse = await startWarehouseBench()
  bench = warehouse.bench
})
afterAll(() => warehouse?.close())
beforeEach(() => warehouse.reset())

/** Makes a table that is not the pipeline's, with a row and columns of its own. */
async function foreignTable(labels?: Record<string, string>): Promise<string> {
  const name = warehouse.table()
  const { bigquery } = warehouse.google
  const [project = '', dataset = '', tableId = ''] = name.split('.')
  const destination = bigquery.dataset(dataset, { projectId: project }).table(tableId)
  const [job] = await bigquery.createQueryJob({ query: "SELECT 'kept' AS secret", destination })
  await job.promise()
  if (labels !== undefined) await destination.setMetadata({ labels })
  return name
}

/** Does something, and looks at all tables. */
async function harmless(attack: () => Promise<unknown>): Promise<string> {
  const before = await tablesOf(warehouse.google, DATASET)
  const outcome = await outcomeOf(attack)
  expect(changes(before, await tablesOf(warehouse.google, DATASET))).toEqual([])
  return outcome
}

const ready = (outputTable: string, more: object = {}) =>
  warehouse.ready({ rawPath: `loads/raw-${++batches}`, outputTable, ...more })

describe('finding 4: no table is replaced that is not the run’s', () => {
  test.each(['WRITE_TRUNCATE', 'WRITE_APPEND'] as const)(
    'one that the pipeline has not made, by a load that would %s',
    async (writeDisposition) => {
      const batch = await ready(await foreignTable(), { writeDisposition })
      expect(await harmless(() => warehouse.load(batch))).toBe('TableNotAllowed')
      const look = () => bench.call('findLoad', [batch.plan, batch.batch])
      expect(await harmless(look)).toBe('TableNotAllowed')
    },
  )

  test("another deployment's, though the settings name it", async () => {
    const outputTable = await foreignTable({ state_bucket: 'another-state' })
    const allowing = activityBench(warehouse.cloud, warehouse.google, {
      defaults: { ...bench.settings.defaults, allowedTables: [outputTable] },
    })
    const batch = await ready(outputTable)
    const { plan, attempt, output } = batch
    const load = () => allowing.call('loadTable', [plan, attempt, output])
    expect(await harmless(load)).toBe('TableNotAllowed')
  })

  test('one that was made while the load waited for its turn', async () => {
    const outputTable = warehouse.table()
    const batch = await ready(outputTable)
    const { storage } = warehouse.google
    const folder = notesFolder(bench.settings.defaults.stateBucket, `tables/${outputTable}`)
    const claims = createClaims({
      storage,
      openExecution: async () => 'some-run',
      namespaceId: async () => NAMESPACE_ID,
    })
    const holder = { workflowId: 'holder', runId: 'some-run' }
    await claims.acquire(folder, holder)
    bench.open.add('holder')
    const loading = outcomeOf(() => bench.call('loadTable', [batch.plan, batch.attempt, batch.output]))
    const [, , tableId = ''] = outputTable.split('.')
    await waitingForTurn()
    await warehouse.google.bigquery.dataset(DATASET).createTable(tableId, { schema: 'secret:STRING' })
    const before = await tablesOf(warehouse.google, DATASET)
    bench.open.delete('holder')
    expect(await loading).toBe('TableNotAllowed')
    expect(changes(before, await tablesOf(warehouse.google, DATASET))).toEqual([])
  })
})

test('finding 4: a job that somebody else has given the id of the load is not taken for it', async () => {
  const outputTable = warehouse.table()
  const batch = await ready(outputTable)
  const { plan } = batch
  const { bigquery } = warehouse.google
  const jobIds = [0, 1].map((n) => `${loadIdOf(plan, batch.batch)}_${n}`)
  const [project = ''] = outputTable.split('.')
  const labels = { pipeline: 'average-speed', rows_written: '2' }
  const other = { projectId: project, datasetId: DATASET, tableId: 'somewhere_else' }
  const [first = '', second = ''] = jobIds
  const configuration = {
    labels,
    load: {
      sourceUris: [`${batch.attempt.outputPath}part-*`],
      sourceFormat: 'CSV',
      schema: { fields: [...TABLE_SCHEMA.fields] },
      destinationTable: other,
    },
  }
  const [load] = await bigquery.createJob({ jobId: first, location: 'US', configuration })
  await load.promise()
  const [query] = await bigquery.createQueryJob({ jobId: second, location: 'US', query: 'SELECT 1', labels })
  await query.promise()
  expect(await bench.call('findLoad', [plan, batch.batch])).toEqual({ isUnderWay: false })
  expect(await warehouse.load(batch)).toMatchObject({ rows: 2 })
  expect(await warehouse.rowsIn(outputTable)).toBe(2)
})

/** Returns once the activity has looked at the claim more than once. */
async function waitingForTurn(): Promise<void> {
  const reads = async () => (await warehouse.storage.calls())['objects.getMedia'] ?? 0
  const first = await reads()
  while ((await reads()) < first + 4) await new Promise((resolve) => setTimeout(resolve, 20))
}
