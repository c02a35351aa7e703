import type { TSchema } from 'typebox'

interface PropertySchema {
  readonly type?: string
}

// Numbers as JSON writes them (RFC 8259, section 6), of a length that a number can hold.
const NUMBERS: Readonly<Record<string, RegExp>> = {
  integer: /^-?\d{1,15}$/,
  number: /^-?\d{1,20}(\.\d{1,20})?([eE][-+]?\d{1,3})?$/,
}

/**
 * The texts of a query or path as the values that a schema asks for. A text that is not written as such a value stays as
 * it is, so that the check refuses it: `limit=true` is no number.
 */
export function readTexts(schema: TSchema, value: unknown): unknown {
  const { properties = {} } = schema as { properties?: Readonly<Record<string, PropertySchema>> }
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, text]) => [name, readText(properties[name]?.type, text)]),
  )
}

function readText(type: string | undefined, text: unknown): unknown {
  if (typeof text !== 'string') return text
  return type !== undefined && NUMBERS[type]?.test(text) ? Number(text) : text
}
