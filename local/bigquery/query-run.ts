import type { Table } from './catalog.ts'
import type { Statements } from './database.ts'
import { BigQueryError } from './errors.ts'
import type { Field } from './fields.ts'
import type { WriteDisposition } from './load-config.ts'
import { quoted, sqlTable, type TableRef, tableName } from './names.ts'
import type { AnalysedQuery, Select } from './query.ts'
import { changedFields } from './schema-change.ts'
import { translatedError } from './sql-errors.ts'
import { columnDefinitions } from './types.ts'
import { makeTable, measure, type Warehouse } from './warehouse.ts'

/** Where a query's rows go. */
export interface Destination {
  readonly ref: TableRef
  readonly mayCreate: boolean
  readonly write: WriteDisposition
}

/** What running a statement has done. */
export interface QueryOutcome {
  /** Absent for statements that give no rows. */
  readonly fields?: readonly Field[]
  /** Rows of the result. */
  readonly rows: number
  /** Rows that a DML statement has changed. */
  readonly affectedRows?: number
}

/**
 * Runs a statement.
 * @param assertNotCancelled asked just before a commit
 * @throws BigQueryError
 */
export async function runQuery(
  query: AnalysedQuery,
  destination: Destination,
  warehouse: Warehouse,
  assertNotCancelled: () => void,
): Promise<QueryOutcome> {
  const { action, sql } = query
  const { catalog } = warehouse
  switch (action.kind) {
    case 'select': {
      const rows = await store(action.select, sql, destination, warehouse, assertNotCancelled)
      return { fields: action.select.fields, rows }
    }
    case 'createTable': {
      const { ref, orReplace, ifNotExists, fields, select } = action
      if (catalog.findTable(ref) !== undefined && !orReplace) {
        if (ifNotExists) return { rows: 0 }
        throw new BigQueryError('duplicate', `Already Exists: Table ${tableName(ref)}`)
      }
      if (orReplace && catalog.findTable(ref) !== undefined && select === undefined)
        await warehouse.deleteTable(ref)
      if (select === undefined) await warehouse.createTable(ref, fields, {})
      else await store({ ...select, fields }, sql, truncating(ref), warehouse, assertNotCancelled)
      return { rows: 0 }
    }
    case 'dropTable':
      if (catalog.findTable(action.ref) !== undefined) await warehouse.deleteTable(action.ref)
      return { rows: 0 }
    case 'change':
      return change(query, action.ref, warehouse, assertNotCancelled)
  }
}

function truncating(ref: TableRef): Destination {
  return { ref, mayCreate: true, write: 'WRITE_TRUNCATE' }
}

/** Writes a SELECT's rows into a table. @returns how many */
async function store(
  select: Select,
  sql: string,
  { ref, mayCreate, write }: Destination,
  warehouse: Warehouse,
  assertNotCancelled: () => void,
): Promise<number> {
  return warehouse.exclusively(ref, async () => {
    warehouse.catalog.dataset(ref)
    const table = warehouse.catalog.findTable(ref)
    if (table === undefined && !mayCreate) {
      throw new BigQueryError('notFound', `Not found: Table ${tableName(ref)}`)
    }
    if (table !== undefined && table.rows > 0 && write === 'WRITE_EMPTY') {
      throw new BigQueryError('duplicate', `Already Exists: Table ${tableName(ref)}`)
    }
    const appends = table !== undefined && table.fields.length > 0 && write === 'WRITE_APPEND'
    const fields = appends ? changedFields(ref, table.fields, select.fields, NO_CHANGES) : select.fields
    const { inserted, size } = await warehouse.database.transaction(async (statements) => {
      const changed = await insertSelect(statements, ref, select, appends, sql)
      const measured = await measure(statements, ref, fields)
      assertNotCancelled()
      return { inserted: changed, size: measured }
    })
    const written: Table = table ?? warehouse.catalog.addTable(ref, fields, {})
    warehouse.noteWritten(written, fields, size)
    return inserted
  })
}

const ASIDE = '"rows of the query"'
const NO_CHANGES = { addFields: false, relaxFields: true }

/** The query may read the very table that it replaces, so its rows are set aside first. */
async function insertSelect(
  statements: Statements,
  ref: TableRef,
  { fields, output }: Select,
  appends: boolean,
  sql: string,
): Promise<number> {
  const columns = fields.map(({ name }) => quoted(name)).join(', ')
  await statements.run(`CREATE TEMP TABLE ${ASIDE} (${columnDefinitions(fields)})`)
  const prefix = `INSERT INTO ${ASIDE} (${columns}) `
  try {
    await statements.run(`${prefix}${output.sql}`)
  } catch (error) {
    throw translatedError(error, sql, output, prefix.length)
  }
  if (!appends) await makeTable(statements, ref, fields)
  const inserted = await statements.run(
    `INSERT INTO ${sqlTable(ref)} (${columns}) SELECT ${columns} FROM ${ASIDE}`,
  )
  await statements.run(`DROP TABLE ${ASIDE}`)
  return inserted
}

async function change(
  { action, sql, statementType }: AnalysedQuery,
  ref: TableRef,
  warehouse: Warehouse,
  assertNotCancelled: () => void,
): Promise<QueryOutcome> {
  if (action.kind !== 'change') throw new Error('Only changes of rows come here.')
  return warehouse.exclusively(ref, async () => {
    const table = warehouse.catalog.table(ref)
    const { affected, size } = await warehouse.database.transaction(async (statements) => {
      const changed = await statements.run(action.output.sql).catch((error: unknown) => {
        throw translatedError(error, sql, action.output)
      })
      const measured = await measure(statements, ref, table.fields)
      assertNotCancelled()
      return { affected: changed, size: measured }
    })
    warehouse.noteWritten(table, table.fields, size)
    return { rows: 0, ...(statementType !== 'TRUNCATE_TABLE' && { affectedRows: affected }) }
  })
}
