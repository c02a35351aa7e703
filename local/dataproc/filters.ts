import { invalidArgument } from './errors.ts'

/** One `field = value` of a list filter; the value `*` matches whatever is there. */
export interface FilterTerm {
  readonly field: string
  readonly value: string
}

/**
 * Reads the filter syntax of `ListClustersRequest.filter` and `ListJobsRequest.filter`: `field = value` terms joined by
 * `AND` or by space; a label's `= value` may be left out.
 * @param fields the fields that the call knows, besides `labels.KEY`
 * @throws StatusError INVALID_ARGUMENT
 */
export function parseFilter(filter: string | null | undefined, fields: readonly string[]): FilterTerm[] {
  const tokens = (filter ?? '').match(/=|"[^"]*"|[^\s=]+/g) ?? []
  const terms: FilterTerm[] = []
  for (let i = 0; i < tokens.length; ) {
    const field = tokens[i] ?? ''
    if (field === 'AND' && terms.length > 0) {
      i += 1
      continue
    }
    const known = fields.includes(field) || /^labels\../.test(field)
    if (!known) throw invalidArgument(`Invalid filter '${filter}': unknown field '${field}'.`)
    if (tokens[i + 1] !== '=') {
      if (!field.startsWith('labels.'))
        throw invalidArgument(`Invalid filter '${filter}': '${field}' needs a value.`)
      terms.push({ field, value: '*' })
      i += 1
      continue
    }
    const value = tokens[i + 2]
    if (value === undefined || value === '=') {
      throw invalidArgument(`Invalid filter '${filter}': '${field}' needs a value.`)
    }
    terms.push({ field, value: value.replace(/^"(.*)"$/, '$1') })
    i += 3
  }
  return terms
}

/**
 * Whether a resource satisfies every term.
 * @param valuesOf all values that the resource has for a field, such as a state and the groups that it belongs to
 */
export function satisfies(
  terms: readonly FilterTerm[],
  valuesOf: (field: string) => readonly string[],
): boolean {
  return terms.every(({ field, value }) => {
    const values = valuesOf(field)
    return value === '*' ? values.length > 0 : values.includes(value)
  })
}

/** The values of a `labels.KEY` field. */
export function labelValues(labels: Readonly<Record<string, string>>, field: string): readonly string[] {
  const value = labels[field.slice('labels.'.length)]
  return value === undefined ? [] : [value]
}
