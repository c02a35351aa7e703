import { BigQueryError } from './errors.ts'
import type { DatasetRef, TableRef } from './names.ts'
import { KEYWORDS, queryError } from './sql-errors.ts'
import { is, type Token } from './sql-tokens.ts'

/** The dotted name of a table at a place in a statement. */
export interface TablePath {
  readonly parts: readonly string[]
  readonly offset: number
  /** The index behind it. */
  readonly next: number
}

/**
 * Reads a table's name: quoted as a whole, quoted in parts, or bare, where a project's name may have hyphens.
 * @returns nothing when there is none, but a subquery for example
 */
export function readTablePath(tokens: readonly Token[], start: number): TablePath | undefined {
  const first = tokens[start]
  if (first?.kind !== 'quotedName' && first?.kind !== 'word') return undefined
  if (first.kind === 'word' && KEYWORDS.has(first.value)) return undefined
  const parts: string[] = []
  let next = start
  for (;;) {
    const token = tokens[next]
    if (token?.kind === 'quotedName') parts.push(...token.value.split('.'))
    else if (token?.kind === 'word') {
      const [name, end] = hyphenated(tokens, next)
      parts.push(name)
      next = end
    } else break
    next += 1
    if (!is(tokens[next], '.')) break
    next += 1
  }
  return { parts, offset: first.offset, next }
}

/** A bare name with hyphens is several tokens that stand close together. */
function hyphenated(tokens: readonly Token[], start: number): [string, number] {
  let name = tokens[start]?.text ?? ''
  let end = start
  let at = (tokens[start]?.offset ?? 0) + name.length
  for (;;) {
    const hyphen = tokens[end + 1]
    const part = tokens[end + 2]
    const touches = is(hyphen, '-') && hyphen?.offset === at && part?.offset === at + 1
    if (!touches || (part?.kind !== 'word' && part?.kind !== 'number')) return [name, end]
    name += `-${part.text}`
    at = part.offset + part.text.length
    end += 2
    // `my-project-1.dataset`: the number takes the dot with it.
    if (part.text.endsWith('.')) return [name.slice(0, -1), end]
  }
}

/**
 * The table that a name means.
 * @throws BigQueryError `invalid` for a name without a dataset
 */
export function resolveTable(
  { parts }: TablePath,
  projectId: string,
  defaultDataset: DatasetRef | undefined,
): TableRef {
  const [tableId = '', datasetId, project] = parts.toReversed()
  if (datasetId !== undefined) return { projectId: project ?? projectId, datasetId, tableId }
  if (defaultDataset !== undefined) return { ...defaultDataset, tableId }
  throw new BigQueryError(
    'invalid',
    `Table "${tableId}" must be qualified with a dataset (e.g. dataset.table).`,
    tableId,
  )
}

/** The names that WITH gives to subqueries, in lower case. */
export function withNames(tokens: readonly Token[]): ReadonlySet<string> {
  const names = new Set<string>()
  for (const [i, token] of tokens.entries()) {
    const isName = token.kind === 'word' || token.kind === 'quotedName'
    if (isName && is(tokens[i + 1], 'AS') && is(tokens[i + 2], '(')) {
      names.add((token.kind === 'word' ? token.text : token.value).toLowerCase())
    }
  }
  return names
}

/** Refuses more than one statement. @throws BigQueryError `invalidQuery` */
export function singleStatement(tokens: readonly Token[], sql: string): Token[] {
  const end = tokens.findIndex((token) => is(token, ';'))
  if (end < 0) return [...tokens]
  const more = tokens.slice(end).find((token) => !is(token, ';'))
  if (more !== undefined) {
    throw queryError('The local BigQuery runs one statement at a time; a script begins', sql, more.offset)
  }
  return tokens.slice(0, end)
}
