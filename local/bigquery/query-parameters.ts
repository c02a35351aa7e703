import { BigQueryError } from './errors.ts'
import { parseFields } from './fields.ts'
import { literal } from './names.ts'
import type { QueryParameter } from './requests.ts'
import { queryError } from './sql-errors.ts'
import type { Token } from './sql-tokens.ts'
import { storedType } from './types.ts'

/**
 * Gives the SQL for each parameter of a query, named or positional; scalars only.
 * @see https://cloud.google.com/bigquery/docs/parameterized-queries
 */
export function parameterReader(
  parameters: readonly QueryParameter[],
  sql: string,
): (token: Token) => string {
  let position = 0
  return (token) => {
    const name = token.text.slice(1)
    const found =
      token.text === '?'
        ? parameters[position++]
        : parameters.find((parameter) => parameter.name?.toLowerCase() === name.toLowerCase())
    if (found !== undefined) return parameterValue(found)
    const what = token.text === '?' ? `Query parameter number ${position}` : `Query parameter '${name}'`
    throw queryError(`${what} not found`, sql, token.offset)
  }
}

function parameterValue({ name, parameterType, parameterValue: given }: QueryParameter): string {
  const type = parameterType.type.toUpperCase()
  if (type === 'ARRAY' || type === 'STRUCT' || type === 'RANGE') {
    throw new BigQueryError(
      'invalidQuery',
      `The local BigQuery takes scalar query parameters only, not ${type}.`,
    )
  }
  const [field] = parseFields([{ name: name || 'parameter', type }])
  const stored = field === undefined ? 'VARCHAR' : storedType(field.type)
  if (given?.value === undefined || given.value === null) return `CAST(NULL AS ${stored})`
  const value = String(given.value)
  if (field?.type === 'BYTES') return `from_base64(${literal(value)})`
  return `CAST(${literal(value)} AS ${stored})`
}
