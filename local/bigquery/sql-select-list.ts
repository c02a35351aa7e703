import { KEYWORDS } from './sql-errors.ts'
import { closing, is, splitAtCommas, type Token } from './sql-tokens.ts'

/**
 * Names the unnamed columns of the outermost SELECT `f0_`, `f1_` …, as BigQuery does.
 * @see https://cloud.google.com/bigquery/docs/reference/standard-sql/query-syntax#implicit_aliases
 */
export function nameColumns(tokens: readonly Token[]): Token[] {
  const select = outermostSelect(tokens)
  if (select < 0) return [...tokens]
  let start = select + 1
  if (is(tokens[start], 'DISTINCT') || is(tokens[start], 'ALL')) start += 1
  const end = endOfList(tokens, start)
  let unnamed = 0
  const items = splitAtCommas(tokens.slice(start, end)).map((item) => {
    if (hasName(item)) return item
    const offset = item.at(-1)?.offset ?? 0
    const text = `f${unnamed++}_`
    return [...item, word('AS', offset), word(text, offset)]
  })
  const comma = (offset: number): Token => ({ kind: 'punctuation', text: ',', value: ',', offset })
  const list = items.flatMap((item, i) => (i === 0 ? item : [comma(item[0]?.offset ?? 0), ...item]))
  return [...tokens.slice(0, start), ...list, ...tokens.slice(end)]
}

function word(text: string, offset: number): Token {
  return { kind: 'word', text, value: text.toUpperCase(), offset }
}

function outermostSelect(tokens: readonly Token[]): number {
  for (let i = 0; i < tokens.length; i++) {
    if (is(tokens[i], 'SELECT')) return i
    // A query that is all in parentheses is looked into, a WITH clause is passed over.
    if (is(tokens[i], '(') && i > 0) i = closing(tokens, i)
  }
  return -1
}

const ENDS = new Set([
  'FROM',
  'WHERE',
  'GROUP',
  'HAVING',
  'QUALIFY',
  'WINDOW',
  'ORDER',
  'LIMIT',
  'UNION',
  'INTERSECT',
])

function endOfList(tokens: readonly Token[], start: number): number {
  for (let i = start; i < tokens.length; i++) {
    const token = tokens[i]
    if (is(token, '(')) i = closing(tokens, i)
    else if (token?.kind === 'word' && ENDS.has(token.value)) return i
    else if (is(token, 'EXCEPT') && !is(tokens[i + 1], '(')) return i
    else if (is(token, ')')) return i
  }
  return tokens.length
}

function hasName(item: readonly Token[]): boolean {
  const last = item.at(-1)
  if (last === undefined || !endsOperand(last)) return true
  if (item.some((token, i) => is(token, '*') && isStarModifier(item[i + 1]))) return true
  if (isPath(item)) return true
  if (last.kind !== 'quotedName' && !(last.kind === 'word' && !KEYWORDS.has(last.value))) return false
  return endsOperand(item.at(-2))
}

function isStarModifier(token: Token | undefined): boolean {
  return is(token, 'EXCEPT') || is(token, 'REPLACE')
}

function isPath(item: readonly Token[]): boolean {
  return item.every((token, i) =>
    i % 2 === 1
      ? is(token, '.')
      : token.kind === 'quotedName' || (token.kind === 'word' && (i > 0 || !KEYWORDS.has(token.value))),
  )
}

/** What stands before an alias: AS, or the end of an expression. */
function endsOperand(token: Token | undefined): boolean {
  if (token === undefined) return false
  if (is(token, 'AS') || is(token, ')') || is(token, ']')) return true
  if (token.kind === 'punctuation') return false
  return token.kind !== 'word' || !KEYWORDS.has(token.value) || /^(END|NULL|TRUE|FALSE)$/.test(token.value)
}
