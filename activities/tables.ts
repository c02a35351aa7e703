import type { BigQuery } from '@google-cloud/bigquery'
import { isNamedTable, type RequestRules } from '../workflows/plan.ts'
import { failure, isNotFound } from './failures.ts'
import { STATE_LABEL } from './labels.ts'
import type { TableField } from './table-schema.ts'

/** A table by its parts, as BigQuery's API has them. */
export interface TableReference {
  readonly projectId: string
  readonly datasetId: string
  readonly tableId: string
}

/** @param table `project.dataset.table` */
export function tableReference(table: string): TableReference {
  // From the end: the project may be scoped by a domain, which has dots.
  const [tableId = '', datasetId = '', ...project] = table.split('.').toReversed()
  return { projectId: project.toReversed().join('.'), datasetId, tableId }
}

/** What is read of a table: https://cloud.google.com/bigquery/docs/reference/rest/v2/tables */
export interface TableMetadata {
  readonly labels?: Readonly<Record<string, string>>
  readonly schema?: { readonly fields?: readonly TableField[] }
}

/** Reads a table; nothing if there is none. */
async function tableAt(bigquery: BigQuery, table: string): Promise<TableMetadata | undefined> {
  const { projectId, datasetId, tableId } = tableReference(table)
  try {
    const [metadata] = await bigquery.dataset(datasetId, { projectId }).table(tableId).getMetadata()
    return metadata as TableMetadata
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}

/**
 * Lets a load go on only into a table that is the deployment's to write: one that its settings name, or that it has made
 * itself. One that bears another deployment's label is that one's in any case.
 * @returns the table, if there is one
 * @throws TableNotAllowed
 */
export async function refuseForeignTable(
  bigquery: BigQuery,
  table: string,
  rules: Pick<RequestRules, 'outputTable' | 'allowedTables'> & { readonly stateBucket: string },
): Promise<TableMetadata | undefined> {
  const found = await tableAt(bigquery, table)
  if (found === undefined) return undefined
  const owner = found.labels?.[STATE_LABEL]
  if (owner === rules.stateBucket) return found
  if (owner !== undefined) {
    throw failure(
      'TableNotAllowed',
      `${table} belongs to the deployment whose state bucket is ${owner} (label ${STATE_LABEL}). Name another table.`,
    )
  }
  if (isNamedTable(table, rules)) return found
  throw failure(
    'TableNotAllowed',
    `${table} exists, and this pipeline has not made it. Name another table, or let ALLOWED_TABLES name this one.`,
  )
}
