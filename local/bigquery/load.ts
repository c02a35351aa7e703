import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type BulkSource, bulkInsert, CLEAN_CSV } from './bulk-insert.ts'
import type { Table } from './catalog.ts'
import { DatabaseError, type Statements } from './database.ts'
import { BigQueryError, type ErrorProto } from './errors.ts'
import type { Field } from './fields.ts'
import { cleanSources } from './load-clean.ts'
import type { LoadConfig } from './load-config.ts'
import { downloadAll, findSources, type SourceFile } from './load-sources.ts'
import { tableName } from './names.ts'
import type { ObjectStore } from './object-store.ts'
import { changedFields } from './schema-change.ts'
import { assertSameLabels, assertSameLayout, checkLayout } from './table-layout.ts'
import { makeTable, measure, type TableSize, type Warehouse } from './warehouse.ts'

/** What a load needs besides its configuration. */
export interface LoadContext {
  readonly warehouse: Warehouse
  readonly store: ObjectStore
  /** An existing folder for downloads. */
  readonly tempDir: string
  /** Properties that the destination gets when the load creates it. */
  readonly tableProperties: Readonly<Record<string, unknown>>
  /** @throws BigQueryError `stopped` when the job was cancelled; asked just before the commit */
  readonly assertNotCancelled: () => void
}

/** What a load has done. Counts are of this load only, not of the table. */
export interface LoadOutcome {
  readonly inputFiles: number
  /** As stored, packed or not. */
  readonly inputFileBytes: number
  readonly outputRows: number
  readonly outputBytes: number
  readonly badRecords: number
  /** The bad records that were let pass. */
  readonly warnings: readonly ErrorProto[]
}

/**
 * Loads files of Cloud Storage into a table, all or nothing.
 * @throws BigQueryError with the reason that the job ends with
 * @see https://cloud.google.com/bigquery/docs/reference/rest/v2/Job#JobConfigurationLoad
 */
export async function load(config: LoadConfig, context: LoadContext): Promise<LoadOutcome> {
  const objects = await findSources(context.store, config.sources)
  const folder = await mkdtemp(join(context.tempDir, 'load-'))
  try {
    const files = await downloadAll(context.store, objects, folder)
    return await context.warehouse.exclusively(config.destination, () =>
      loadFiles(config, context, files, folder),
    )
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function loadFiles(
  config: LoadConfig,
  context: LoadContext,
  files: readonly SourceFile[],
  folder: string,
): Promise<LoadOutcome> {
  const target = targetOf(config, context.warehouse)
  checkProperties(target, context.tableProperties)
  const raw: BulkSource = {
    paths: files.map(({ path }) => path),
    format: config.format,
    fields: target.sourceFields,
    csv: config.csv,
    ignoreUnknownValues: config.ignoreUnknownValues,
    trusted: false,
  }
  const fast = await insert(config, context, target, raw).catch(onlyDatabaseErrors)
  if (!(fast instanceof DatabaseError)) return { ...fast, ...sizeOf(files), badRecords: 0, warnings: [] }
  // DuckDB does not say which record is wrong, and knows fewer spellings than BigQuery: read them one by one.
  const rules = { fields: target.sourceFields, ignoreUnknownValues: config.ignoreUnknownValues }
  const clean = await cleanSources(files, config, rules, join(folder, 'clean'))
  const source: BulkSource = { ...raw, paths: [clean.path], format: 'CSV', csv: CLEAN_CSV, trusted: true }
  const slow = await insert(config, context, target, source).catch(onlyDatabaseErrors)
  if (slow instanceof DatabaseError) {
    throw new BigQueryError('invalid', `Error while reading data, error message: ${slow.message}`)
  }
  return { ...slow, ...sizeOf(files), badRecords: clean.badRecords, warnings: clean.warnings }
}

function onlyDatabaseErrors(error: unknown): DatabaseError {
  if (error instanceof DatabaseError) return error
  throw error
}

interface Target {
  readonly table: Table | undefined
  /** The table's fields after the load. */
  readonly fields: readonly Field[]
  /** The fields in the order of a CSV file's columns. */
  readonly sourceFields: readonly Field[]
  readonly replaces: boolean
}

/** Applies the dispositions. @throws BigQueryError `notFound`, `duplicate`, `invalid` */
function targetOf(config: LoadConfig, { catalog }: Warehouse): Target {
  const { destination, fields: given, write } = config
  catalog.dataset(destination)
  const table = catalog.findTable(destination)
  if (table === undefined && !config.mayCreate) {
    throw new BigQueryError('notFound', `Not found: Table ${tableName(destination)}`)
  }
  if (table !== undefined && table.rows > 0 && write === 'WRITE_EMPTY') {
    throw new BigQueryError('duplicate', `Already Exists: Table ${tableName(destination)}`)
  }
  const sourceFields = given ?? table?.fields ?? []
  if (sourceFields.length === 0) throw new BigQueryError('invalid', 'No schema specified on job or table.')
  // WRITE_TRUNCATE takes the schema from the job, with all that the table's columns had; WRITE_TRUNCATE_DATA keeps it.
  const makesSchema = table === undefined || table.fields.length === 0 || write === 'WRITE_TRUNCATE'
  const allowed = { addFields: config.mayAddFields, relaxFields: config.mayRelaxFields }
  const fields = makesSchema ? sourceFields : changedFields(destination, table.fields, sourceFields, allowed)
  const replaces = makesSchema || write === 'WRITE_TRUNCATE_DATA'
  return { table, fields, sourceFields, replaces }
}

/** What a load says of its table must fit the columns if it makes the table, and the table if there is one. */
function checkProperties({ table, fields }: Target, properties: LoadContext['tableProperties']): void {
  checkLayout(properties, fields)
  if (table === undefined || table.fields.length === 0) return
  assertSameLayout(table, properties)
  assertSameLabels(table, properties['labels'] as Readonly<Record<string, unknown>> | undefined)
}

/** One attempt to insert everything, in one transaction. */
async function insert(
  { destination }: LoadConfig,
  { warehouse, tableProperties, assertNotCancelled }: LoadContext,
  target: Target,
  source: BulkSource,
): Promise<{ readonly outputRows: number; readonly outputBytes: number }> {
  const size = await warehouse.database.transaction(async (statements) => {
    await prepareTable(warehouse, destination, target, statements)
    await bulkInsert(statements, destination, source)
    const measured = await measure(statements, destination, target.fields)
    assertNotCancelled()
    return measured
  })
  const before: TableSize = target.replaces ? { rows: 0, bytes: 0 } : (target.table ?? { rows: 0, bytes: 0 })
  const outputRows = size.rows - before.rows
  const outputBytes = size.bytes - before.bytes
  const table = target.table ?? warehouse.catalog.addTable(destination, target.fields, { ...tableProperties })
  warehouse.noteWritten(table, target.fields, size)
  return { outputRows, outputBytes }
}

async function prepareTable(
  warehouse: Warehouse,
  destination: LoadConfig['destination'],
  { table, fields, replaces }: Target,
  statements: Statements,
): Promise<void> {
  if (replaces || table === undefined) await makeTable(statements, destination, fields)
  else await warehouse.changeFields(table, fields, statements)
}

function sizeOf(files: readonly SourceFile[]): Pick<LoadOutcome, 'inputFiles' | 'inputFileBytes'> {
  return { inputFiles: files.length, inputFileBytes: files.reduce((sum, { size }) => sum + size, 0) }
}
