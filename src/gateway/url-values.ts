import type { TSchema } from 'typebox'

interface PropertySchema {
  readonly type?: string
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
  const isNumber = type === 'integer' || type === 'number'
  return isNumber && /^-?\d{1,15}(\.\d{1,15})?$/.test(text) ? Number(text) : text
}
