import { quoted } from './names.ts'
import { FUNCTIONS } from './sql-functions.ts'
import { duckdbType, numberLiteral, quotedName, stringLiteral, typedLiteral } from './sql-literals.ts'
import { readTablePath, type TablePath, withNames } from './sql-names.ts'
import { type Piece, SqlOutput } from './sql-output.ts'
import { closing, is, splitAtCommas, type Token } from './sql-tokens.ts'

/** What names in a statement mean. */
export interface SqlScope {
  /** SQL for a parameter. @throws BigQueryError when it was not given */
  readonly parameter: (token: Token) => string
  /** SQL for a table. @throws BigQueryError when it does not exist */
  readonly table: (path: TablePath) => string
}

const BEFORE_TABLE = new Set(['FROM', 'JOIN', 'INTO', 'UPDATE', 'TABLE'])
const AFTER_TABLES = new Set(
  'WHERE GROUP HAVING ORDER LIMIT QUALIFY WINDOW ON USING SELECT SET UNION INTERSECT VALUES'.split(' '),
)

/** Plain names in GoogleSQL that DuckDB takes for keywords. */
const RESERVED_BY_DUCKDB = new Set(
  `ANALYSE ANALYZE ANTI ASOF ASYMMETRIC AUTHORIZATION BINARY BOTH CHECK COLLATION COLUMN COLUMNS CONCURRENTLY CONSTRAINT
  DEFERRABLE DESCRIBE DO FOREIGN FREEZE GENERATED GLOB ILIKE INITIALLY ISNULL LAMBDA LEADING MAP NOTNULL ONLY OVERLAPS PIVOT
  PLACING POSITIONAL PRIMARY REFERENCES RETURNING SEMI SHOW SIMILAR SUMMARIZE SYMMETRIC TRAILING UNIQUE UNPACK UNPIVOT
  VARIADIC VERBOSE`.split(/\s+/),
)

/**
 * Translates one statement of GoogleSQL into DuckDB's dialect: names of tables, literals, types, and the functions whose
 * arguments differ. What both share goes through as it is.
 */
export function translate(tokens: readonly Token[], scope: SqlScope): SqlOutput {
  return new SqlOutput(new Translator(scope, withNames(tokens)).pieces(tokens))
}

class Translator {
  readonly #scope: SqlScope
  /** Names that are subqueries, in lower case. */
  readonly #subqueries: ReadonlySet<string>

  constructor(scope: SqlScope, subqueries: ReadonlySet<string>) {
    this.#scope = scope
    this.#subqueries = subqueries
  }

  /** @param inTables whether the tokens begin in a list of tables */
  pieces(tokens: readonly Token[], inTables = false): Piece[] {
    const out: Piece[] = []
    let tablesFollow = inTables
    let expectsTable = inTables
    for (let i = 0; i < tokens.length; ) {
      const token = tokens[i]
      if (token === undefined) break
      const wasExpected = expectsTable
      expectsTable = false
      const table = wasExpected ? this.#table(tokens, i) : undefined
      if (table !== undefined) {
        out.push(table.piece)
        i = table.next
      } else if (is(token, '(')) {
        i = this.#group(tokens, i, out, wasExpected)
      } else if (token.kind === 'word' && BEFORE_TABLE.has(token.value) && !is(tokens[i - 1], 'DISTINCT')) {
        tablesFollow = token.value === 'FROM' || token.value === 'JOIN'
        expectsTable = true
        out.push({ sql: token.text, offset: token.offset })
        i += 1
      } else {
        if (token.kind === 'word' && AFTER_TABLES.has(token.value)) tablesFollow = false
        expectsTable = tablesFollow && is(token, ',')
        i += this.#token(tokens, i, out)
      }
    }
    return out
  }

  #table(
    tokens: readonly Token[],
    start: number,
  ): { readonly piece: Piece; readonly next: number } | undefined {
    const path = readTablePath(tokens, start)
    if (path === undefined) return undefined
    // A name with parentheses behind it is a function's, but for INSERT's list of columns.
    if (is(tokens[path.next], '(') && !is(tokens[start - 1], 'INTO')) return undefined
    const [only = ''] = path.parts
    if (path.parts.length === 1 && this.#subqueries.has(only.toLowerCase())) return undefined
    return { piece: { sql: this.#scope.table(path), offset: path.offset }, next: path.next }
  }

  /** Translates what is in parentheses. @returns the index behind them */
  #group(tokens: readonly Token[], open: number, out: Piece[], inTables: boolean): number {
    const end = closing(tokens, open)
    const inner = tokens.slice(open + 1, end)
    const startsQuery = is(inner[0], 'SELECT') || is(inner[0], 'WITH')
    out.push({ sql: '(', offset: tokens[open]?.offset ?? 0 })
    out.push(...this.pieces(inner, inTables && !startsQuery))
    if (end < tokens.length) out.push({ sql: ')', offset: tokens[end]?.offset ?? 0 })
    return end + 1
  }

  /** @returns how many tokens were used */
  #token(tokens: readonly Token[], i: number, out: Piece[]): number {
    const token = tokens[i]
    if (token === undefined) return 1
    if (token.kind === 'word') return this.#word(token, tokens, i, out)
    out.push({ sql: this.#simple(token), offset: token.offset })
    return 1
  }

  #simple(token: Token): string {
    switch (token.kind) {
      case 'string':
        return stringLiteral(token)
      case 'quotedName':
        return quotedName(token)
      case 'number':
        return numberLiteral(token)
      case 'parameter':
        return this.#scope.parameter(token)
      default:
        return token.text
    }
  }

  #word(token: Token, tokens: readonly Token[], i: number, out: Piece[]): number {
    const { value, text, offset } = token
    const next = tokens[i + 1]
    const literal = typedLiteral(token, next)
    if (literal !== undefined) {
      out.push({ sql: literal, offset })
      return 2
    }
    if (value === 'EXCEPT' && is(tokens[i - 1], '*')) {
      out.push({ sql: 'EXCLUDE', offset })
      return 1
    }
    const end = is(next, '(') && !is(tokens[i - 1], '.') ? closing(tokens, i + 1) : tokens.length
    if (end < tokens.length) {
      out.push(...this.#call(token, tokens.slice(i + 2, end)))
      return end - i + 1
    }
    out.push({ sql: RESERVED_BY_DUCKDB.has(value) ? quoted(text) : text, offset })
    return 1
  }

  /** A function's call, or a keyword with parentheses behind it. */
  #call({ value, text, offset }: Token, inner: readonly Token[]): Piece[] {
    const args = inner.length === 0 ? [] : splitAtCommas(inner)
    const rewritten = FUNCTIONS[value]?.({ sql: args.map((arg) => this.#sql(arg)), tokens: args })
    if (rewritten !== undefined) return [{ sql: rewritten, offset }]
    const name = value === 'SAFE_CAST' ? 'TRY_CAST' : text
    return [{ sql: `${name}(`, offset }, ...this.#arguments(value, inner), { sql: ')', offset }]
  }

  #arguments(name: string, inner: readonly Token[]): Piece[] {
    if (name === 'CAST' || name === 'SAFE_CAST') {
      return this.#around(inner, 'AS', (type) => [{ sql: duckdbType(type), offset: type[0]?.offset ?? 0 }])
    }
    // What FROM is followed by here is a value.
    if (name === 'EXTRACT' || name === 'TRIM') return this.#around(inner, 'FROM', (rest) => this.pieces(rest))
    return this.pieces(inner)
  }

  #around(
    inner: readonly Token[],
    keyword: string,
    translateRest: (rest: readonly Token[]) => Piece[],
  ): Piece[] {
    const at = inner.findLastIndex((token) => is(token, keyword))
    const middle = inner[at]
    if (middle === undefined) return this.pieces(inner)
    return [
      ...this.pieces(inner.slice(0, at)),
      { sql: keyword, offset: middle.offset },
      ...translateRest(inner.slice(at + 1)),
    ]
  }

  #sql(tokens: readonly Token[]): string {
    return this.pieces(tokens)
      .map(({ sql }) => sql)
      .join(' ')
  }
}
