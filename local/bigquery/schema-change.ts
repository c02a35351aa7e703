import { BigQueryError } from './errors.ts'
import { type Field, sameName } from './fields.ts'
import { type TableRef, tableName } from './names.ts'

/** What a change of schema may do beyond what is there. */
export interface AllowedChanges {
  readonly addFields: boolean
  readonly relaxFields: boolean
}

/**
 * The schema of an existing table after it is given another one: the table's order, new fields behind.
 * @throws BigQueryError `invalid`, in BigQuery's words, for anything but an allowed change
 * @see https://cloud.google.com/bigquery/docs/managing-table-schemas
 */
export function changedFields(
  table: TableRef,
  current: readonly Field[],
  given: readonly Field[],
  allowed: AllowedChanges,
): Field[] {
  const refuse = (why: string): never => {
    throw new BigQueryError('invalid', `Provided Schema does not match Table ${tableName(table)}. ${why}`)
  }
  const kept = current.map((field) => {
    const next = given.find(({ name }) => sameName(name, field.name))
    if (next === undefined) return refuse(`Field ${field.name} is missing in new schema`)
    if (next.type !== field.type) {
      return refuse(`Field ${field.name} has changed type from ${field.type} to ${next.type}`)
    }
    if (next.mode !== field.mode && !(allowed.relaxFields && next.mode === 'NULLABLE')) {
      return refuse(`Field ${field.name} has changed mode from ${field.mode} to ${next.mode}`)
    }
    return { ...field, ...next, name: field.name }
  })
  const added = given.filter(({ name }) => !current.some((field) => sameName(name, field.name)))
  for (const field of added) {
    if (!allowed.addFields) refuse(`Cannot add fields (field: ${field.name})`)
    if (field.mode === 'REQUIRED') {
      refuse(`Cannot add required fields to an existing schema. (field: ${field.name})`)
    }
  }
  return [...kept, ...added]
}
