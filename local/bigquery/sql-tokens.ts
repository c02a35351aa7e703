import { syntaxError } from './sql-errors.ts'

/** A piece of GoogleSQL. Blanks and comments are dropped; the offset says where a token stood. */
export interface Token {
  readonly kind: 'number' | 'parameter' | 'punctuation' | 'quotedName' | 'string' | 'word'
  /** As written. */
  readonly text: string
  /** Content of strings, bytes and quoted names with escapes resolved; upper case of words; else the text. */
  readonly value: string
  /** In characters. */
  readonly offset: number
  /** A bytes literal. */
  readonly isBytes?: true
}

const PATTERNS: readonly (readonly [Token['kind'] | 'blank', RegExp])[] = [
  ['blank', /\s+|--[^\n]*|#[^\n]*|\/\*[\s\S]*?\*\//y],
  [
    'string',
    /(?:rb|br|r|b)?(?:"""[\s\S]*?(?<!\\)"""|'''[\s\S]*?(?<!\\)'''|"(?:[^"\\\n]|\\[\s\S])*"|'(?:[^'\\\n]|\\[\s\S])*')/iy,
  ],
  ['quotedName', /`(?:[^`\\]|\\.)+`/y],
  ['number', /0x[0-9a-f]+|(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?/iy],
  ['word', /[A-Za-z_]\w*/y],
  ['parameter', /@[A-Za-z_]\w*|\?/y],
  ['punctuation', /<>|<=|>=|!=|\|\||<<|>>|=>|[-+*/%(),.;<>=[\]{}:&|^~]/y],
]

/**
 * Splits a statement.
 * @throws BigQueryError `invalidQuery`
 * @see https://cloud.google.com/bigquery/docs/reference/standard-sql/lexical
 */
export function tokenize(sql: string): Token[] {
  const tokens: Token[] = []
  let offset = 0
  while (offset < sql.length) {
    const found = nextMatch(sql, offset)
    if (found === undefined) throw illegal(sql, offset)
    const { kind, text } = found
    if (kind !== 'blank') tokens.push(tokenOf(kind, text, offset))
    offset += text.length
  }
  return tokens
}

function nextMatch(
  sql: string,
  offset: number,
): { readonly kind: Token['kind'] | 'blank'; readonly text: string } | undefined {
  for (const [kind, pattern] of PATTERNS) {
    pattern.lastIndex = offset
    const match = pattern.exec(sql)
    if (match !== null) return { kind, text: match[0] }
  }
  return undefined
}

function illegal(sql: string, offset: number): Error {
  const character = sql.charAt(offset)
  if (character === '"' || character === "'") return syntaxError('Unclosed string literal', sql, offset)
  if (character === '`') return syntaxError('Unclosed identifier literal', sql, offset)
  return syntaxError(`Illegal input character "${character}"`, sql, offset)
}

function tokenOf(kind: Token['kind'], text: string, offset: number): Token {
  if (kind === 'word') return { kind, text, value: text.toUpperCase(), offset }
  if (kind === 'quotedName') return { kind, text, value: unescaped(text.slice(1, -1)), offset }
  if (kind !== 'string') return { kind, text, value: text, offset }
  const prefix = /^[rb]*/i.exec(text)?.[0].toLowerCase() ?? ''
  const body = text.slice(prefix.length)
  const quotes = /^("""|''')/.test(body) ? 3 : 1
  const content = body.slice(quotes, -quotes)
  const value = prefix.includes('r') ? content : unescaped(content)
  return { kind, text, value, offset, ...(prefix.includes('b') && { isBytes: true as const }) }
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
}

function unescaped(text: string): string {
  return text.replace(
    /\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8})|([0-7]{3})|([\s\S]))/gi,
    (_all, x?: string, u?: string, wide?: string, octal?: string, one: string = '') => {
      const hex = x ?? u ?? wide
      if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16))
      if (octal !== undefined) return String.fromCodePoint(Number.parseInt(octal, 8))
      return ESCAPES[one] ?? one
    },
  )
}

/** Whether a token is this word or punctuation. */
export function is(token: Token | undefined, value: string): boolean {
  return (
    token !== undefined && token.value === value && (token.kind === 'word' || token.kind === 'punctuation')
  )
}

/** The index of the parenthesis that closes the one at `open`, or of the end. */
export function closing(tokens: readonly Token[], open: number): number {
  let depth = 0
  for (let i = open; i < tokens.length; i++) {
    if (is(tokens[i], '(')) depth += 1
    if (is(tokens[i], ')') && --depth === 0) return i
  }
  return tokens.length
}

/** Splits at the commas that are in no parenthesis or bracket. */
export function splitAtCommas(tokens: readonly Token[]): Token[][] {
  const parts: Token[][] = [[]]
  let depth = 0
  for (const token of tokens) {
    if (is(token, '(') || is(token, '[')) depth += 1
    if (is(token, ')') || is(token, ']')) depth -= 1
    if (depth === 0 && is(token, ',')) parts.push([])
    else parts.at(-1)?.push(token)
  }
  return parts
}
