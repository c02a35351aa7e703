import { literal, quoted } from './names.ts'
import type { Token } from './sql-tokens.ts'

const TYPES: Readonly<Record<string, string>> = {
  BIGINT: 'BIGINT',
  BIGNUMERIC: 'DECIMAL(38,9)',
  BOOL: 'BOOLEAN',
  BYTES: 'BLOB',
  DATETIME: 'TIMESTAMP',
  DECIMAL: 'DECIMAL(38,9)',
  FLOAT64: 'DOUBLE',
  INT64: 'BIGINT',
  NUMERIC: 'DECIMAL(38,9)',
  STRING: 'VARCHAR',
  TIMESTAMP: 'TIMESTAMPTZ',
}

/** Types whose literals are a word and a string. */
const TYPED_LITERALS = new Set(['BIGNUMERIC', 'DATE', 'DATETIME', 'JSON', 'NUMERIC', 'TIME', 'TIMESTAMP'])

/** DuckDB's name of a type; what is not known goes through. */
export function duckdbType(tokens: readonly Token[]): string {
  const name = tokens.map(({ text }) => text).join('')
  return TYPES[name.toUpperCase()] ?? name
}

/** The literal that a word and a string make, such as `DATE '2019-03-01'`, if they make one. */
export function typedLiteral(word: Token, next: Token | undefined): string | undefined {
  if (next?.kind !== 'string' || !TYPED_LITERALS.has(word.value)) return undefined
  return `CAST(${literal(next.value)} AS ${duckdbType([word])})`
}

/** A string or bytes literal. */
export function stringLiteral({ value, isBytes }: Token): string {
  if (!isBytes) return literal(value)
  const bytes = [...value].map((c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0').toUpperCase()}`)
  return `CAST('${bytes.join('')}' AS BLOB)`
}

/** A name; of a dotted one, which is a table's, the last part is its alias. */
export function quotedName({ value }: Token): string {
  return quoted(value.split('.').at(-1) ?? value)
}

/** A number; one with a point is a FLOAT64, where DuckDB would make it a decimal. */
export function numberLiteral({ text }: Token): string {
  if (/^0x/i.test(text)) return String(BigInt(text))
  if (/e/i.test(text) || !text.includes('.')) return text
  return `CAST(${text.replace(/\.$/, '')} AS DOUBLE)`
}
