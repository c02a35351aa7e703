import { Catalog, type Properties, type Table } from './catalog.ts'
import type { Database, Statements } from './database.ts'
import { BigQueryError } from './errors.ts'
import type { Field } from './fields.ts'
import { KeyedLock } from './keyed-lock.ts'
import {
  type DatasetRef,
  datasetName,
  quoted,
  sqlSchema,
  sqlTable,
  type TableRef,
  tableName,
} from './names.ts'
import { columnDefinitions, storedType } from './types.ts'
import { logicalBytes } from './values.ts'

/** Datasets and tables with their content: the catalog and DuckDB, kept in step. */
export class Warehouse {
  readonly catalog = new Catalog()
  readonly database: Database
  readonly #writing = new KeyedLock()

  constructor(database: Database) {
    this.database = database
  }

  /** @throws BigQueryError `notFound`, or `resourceInUse` when it has tables and `deleteContents` is not set */
  async deleteDataset(ref: DatasetRef, deleteContents: boolean): Promise<void> {
    const { tables } = this.catalog.dataset(ref)
    if (tables.size > 0 && !deleteContents) {
      throw new BigQueryError('resourceInUse', `Dataset ${datasetName(ref)} is still in use`)
    }
    for (const table of [...tables.values()]) await this.deleteTable(table.ref)
    this.catalog.removeDataset(ref)
  }

  /** @throws BigQueryError `notFound`, `duplicate` */
  createTable(ref: TableRef, fields: readonly Field[], properties: Properties): Promise<Table> {
    return this.exclusively(ref, async () => {
      this.catalog.assertNoTable(ref)
      if (fields.length > 0)
        await this.database.transaction((statements) => makeTable(statements, ref, fields))
      return this.catalog.addTable(ref, fields, properties)
    })
  }

  /** @throws BigQueryError `notFound` */
  deleteTable(ref: TableRef): Promise<void> {
    return this.exclusively(ref, async () => {
      this.catalog.table(ref)
      this.catalog.removeTable(ref)
      await this.database.run(`DROP SCHEMA IF EXISTS ${sqlSchema(ref)} CASCADE`)
    })
  }

  /** Gives a table other fields; its rows stay. Only additions and relaxations are made in DuckDB. */
  async changeFields(table: Table, fields: readonly Field[], statements: Statements): Promise<void> {
    const name = sqlTable(table.ref)
    if (table.fields.length === 0 && fields.length > 0) {
      await makeTable(statements, table.ref, fields)
      return
    }
    for (const [i, field] of fields.entries()) {
      const before = table.fields[i]
      if (before === undefined) {
        await statements.run(`ALTER TABLE ${name} ADD COLUMN ${quoted(field.name)} ${storedType(field.type)}`)
      } else if (before.mode === 'REQUIRED' && field.mode === 'NULLABLE') {
        await statements.run(`ALTER TABLE ${name} ALTER COLUMN ${quoted(field.name)} DROP NOT NULL`)
      }
    }
  }

  /** Runs one writer of a table at a time; readers do not wait. */
  exclusively<T>(ref: TableRef, work: () => Promise<T>): Promise<T> {
    return this.#writing.run(tableName(ref), work)
  }

  /** Notes in the catalog what a committed write has made of a table. */
  noteWritten(table: Table, fields: readonly Field[], size: TableSize): void {
    table.fields = fields
    table.rows = size.rows
    table.bytes = size.bytes
    table.modifiedMs = Date.now()
  }
}

/** Rows and logical bytes. */
export interface TableSize {
  readonly rows: number
  readonly bytes: number
}

/** Makes a table in DuckDB, empty, in place of one that may be there. */
export async function makeTable(
  statements: Statements,
  ref: TableRef,
  fields: readonly Field[],
): Promise<void> {
  await statements.run(`CREATE SCHEMA IF NOT EXISTS ${sqlSchema(ref)}`)
  await statements.run(`CREATE OR REPLACE TABLE ${sqlTable(ref)} (${columnDefinitions(fields)})`)
}

/** Measures a table as the given connection sees it. */
export async function measure(
  statements: Pick<Statements, 'rows'>,
  ref: TableRef,
  fields: readonly Field[],
): Promise<TableSize> {
  const sql = `SELECT CAST(count(*) AS VARCHAR), CAST(${logicalBytes(fields)} AS VARCHAR) FROM ${sqlTable(ref)}`
  const [row] = await statements.rows(sql)
  return { rows: Number(row?.[0] ?? 0), bytes: Number(row?.[1] ?? 0) }
}
