import { BigQueryError } from './errors.ts'
import type { Field } from './fields.ts'
import { type DatasetRef, datasetName, type TableRef, tableName } from './names.ts'

/** What a client may set and gets back unchanged, such as labels or clustering. */
export type Properties = Record<string, unknown>

/** A dataset without its tables' content. */
export interface Dataset {
  readonly ref: DatasetRef
  /** Upper case for multi-regions, lower case for regions. */
  readonly location: string
  /** Anonymous results live in a dataset that lists leave out. */
  readonly hidden: boolean
  readonly createdMs: number
  modifiedMs: number
  properties: Properties
  readonly tables: Map<string, Table>
}

/** A table without its content, which is in DuckDB under the same name. */
export interface Table {
  readonly ref: TableRef
  readonly createdMs: number
  modifiedMs: number
  /** Without fields there is nothing in DuckDB either. */
  fields: readonly Field[]
  properties: Properties
  rows: number
  bytes: number
}

/** Datasets and tables by their exact, case-sensitive names. Its methods do not touch DuckDB. */
export class Catalog {
  readonly #datasets = new Map<string, Dataset>()

  /** @throws BigQueryError `duplicate` */
  addDataset(ref: DatasetRef, location: string, properties: Properties, hidden = false): Dataset {
    const name = datasetName(ref)
    if (this.#datasets.has(name)) throw new BigQueryError('duplicate', `Already Exists: Dataset ${name}`)
    const now = Date.now()
    const dataset: Dataset = {
      ref,
      location,
      hidden,
      createdMs: now,
      modifiedMs: now,
      properties,
      tables: new Map(),
    }
    this.#datasets.set(name, dataset)
    return dataset
  }

  /** The dataset, or nothing if it does not exist. */
  findDataset(ref: DatasetRef): Dataset | undefined {
    return this.#datasets.get(datasetName(ref))
  }

  /** @throws BigQueryError `notFound` */
  dataset(ref: DatasetRef): Dataset {
    const found = this.#datasets.get(datasetName(ref))
    if (found === undefined) throw new BigQueryError('notFound', `Not found: Dataset ${datasetName(ref)}`)
    return found
  }

  /** The datasets of a project, hidden ones left out, by name. */
  datasetsOf(projectId: string): Dataset[] {
    return [...this.#datasets.values()]
      .filter(({ ref, hidden }) => ref.projectId === projectId && !hidden)
      .sort((a, b) => (a.ref.datasetId < b.ref.datasetId ? -1 : 1))
  }

  removeDataset(ref: DatasetRef): void {
    this.#datasets.delete(datasetName(ref))
  }

  /** @throws BigQueryError `notFound` for the dataset, `duplicate` for the table */
  assertNoTable(ref: TableRef): void {
    if (this.dataset(ref).tables.has(ref.tableId)) {
      throw new BigQueryError('duplicate', `Already Exists: Table ${tableName(ref)}`)
    }
  }

  /** @throws BigQueryError `notFound` for the dataset, `duplicate` for the table */
  addTable(ref: TableRef, fields: readonly Field[], properties: Properties): Table {
    this.assertNoTable(ref)
    const { tables } = this.dataset(ref)
    const now = Date.now()
    const table: Table = { ref, createdMs: now, modifiedMs: now, fields, properties, rows: 0, bytes: 0 }
    tables.set(ref.tableId, table)
    return table
  }

  /** The table, or nothing if it does not exist. */
  findTable(ref: TableRef): Table | undefined {
    return this.#datasets.get(datasetName(ref))?.tables.get(ref.tableId)
  }

  /** @throws BigQueryError `notFound` for dataset or table */
  table(ref: TableRef): Table {
    const found = this.dataset(ref).tables.get(ref.tableId)
    if (found === undefined) throw new BigQueryError('notFound', `Not found: Table ${tableName(ref)}`)
    return found
  }

  removeTable(ref: TableRef): void {
    this.#datasets.get(datasetName(ref))?.tables.delete(ref.tableId)
  }
}
