import { failure } from './failures.ts'
import type { TableField } from './table-schema.ts'

/** How a load is to see the columns of a table that is there. */
export interface FittedSchema {
  /** The columns of the CSV in its order, then those that it does not have: each as the table has it. */
  readonly fields: readonly TableField[]
  /** True when the CSV's rows end before the table's last column. */
  readonly allowJaggedRows: boolean
}

/** Each type by one name: https://cloud.google.com/bigquery/docs/reference/rest/v2/tables#TableFieldSchema.FIELDS.type */
const OLDER_NAMES: Readonly<Record<string, string>> = {
  BOOL: 'BOOLEAN',
  DECIMAL: 'NUMERIC',
  FLOAT64: 'FLOAT',
  INT64: 'INTEGER',
  STRUCT: 'RECORD',
}

/**
 * Fits the columns that a run writes to a table's own. What the table's owner gave its columns (descriptions, policy tags,
 * modes) is taken over whole, and so are further columns, which stay empty (P18).
 * @param written in the order of the CSV
 * @throws SchemaMismatch with every column that does not fit
 */
export function fitSchema(
  table: string,
  written: readonly TableField[],
  present: readonly TableField[],
): FittedSchema {
  const faults: string[] = []
  const fitted = written.map((field) => {
    const found = present.find((one) => isSameName(one, field))
    if (found === undefined) faults.push(`it lacks ${field.name} (${typeOf(field)})`)
    else if (typeOf(found) !== typeOf(field)) {
      faults.push(`${found.name} is ${typeOf(found)}, and the run writes ${typeOf(field)}`)
    }
    return found ?? field
  })
  const further = present.filter((one) => !written.some((field) => isSameName(one, field)))
  for (const { name, mode } of further) {
    if (mode === 'REQUIRED') faults.push(`${name} is required, and the run does not write it`)
  }
  if (faults.length > 0) {
    throw failure(
      'SchemaMismatch',
      `The columns of ${table} do not fit what the run writes: ${faults.join('; ')}.`,
    )
  }
  return { fields: [...fitted, ...further], allowJaggedRows: further.length > 0 }
}

function isSameName(a: TableField, b: TableField): boolean {
  return a.name.toLowerCase() === b.name.toLowerCase()
}

function typeOf({ type, mode }: TableField): string {
  const name = type.toUpperCase()
  return `${mode === 'REPEATED' ? 'REPEATED ' : ''}${OLDER_NAMES[name] ?? name}`
}
