import type { Field } from './fields.ts'

/** A record that was read: its values as canonical text by field, or what is wrong with it in BigQuery's words. */
export type CheckedRecord =
  | { readonly values: readonly (string | undefined)[]; readonly fault?: undefined }
  | { readonly fault: string }

/** What a file is read against. */
export interface RecordRules {
  readonly fields: readonly Field[]
  readonly ignoreUnknownValues: boolean
}

/** BigQuery's names of the types in messages about values. */
export const TYPE_IN_MESSAGES: Readonly<Record<Field['type'], string>> = {
  BOOLEAN: 'BOOL',
  BYTES: 'BYTES',
  DATE: 'DATE',
  DATETIME: 'DATETIME',
  FLOAT: 'DOUBLE',
  INTEGER: 'INT64',
  JSON: 'JSON',
  NUMERIC: 'NUMERIC',
  STRING: 'STRING',
  TIME: 'TIME',
  TIMESTAMP: 'TIMESTAMP',
}

/** What BigQuery says of a text that is no TIMESTAMP. */
export function notATimestamp(text: string): string {
  return `Could not parse '${text}' as a timestamp. Required format is YYYY-MM-DD HH:MM[:SS[.SSSSSS]] or YYYY/MM/DD HH:MM[:SS[.SSSSSS]]`
}
