import { queryError } from './sql-errors.ts'
import { readTablePath, type TablePath } from './sql-names.ts'
import { closing, is, type Token } from './sql-tokens.ts'

/** A statement by what it does. */
export type Statement =
  | { readonly kind: 'select'; readonly tokens: readonly Token[] }
  | {
      readonly kind: 'createTable'
      readonly path: TablePath
      readonly orReplace: boolean
      readonly ifNotExists: boolean
      /** What stands in the parentheses behind the name. */
      readonly columns?: readonly Token[]
      readonly query?: readonly Token[]
    }
  | { readonly kind: 'dropTable'; readonly path: TablePath; readonly ifExists: boolean }
  | {
      readonly kind: 'change'
      readonly type: 'DELETE' | 'INSERT' | 'TRUNCATE_TABLE' | 'UPDATE'
      readonly path: TablePath
      readonly tokens: readonly Token[]
    }

/**
 * Tells statements apart.
 * @throws BigQueryError `invalidQuery` for one that the stand-in does not run
 */
export function readStatement(tokens: readonly Token[], sql: string): Statement {
  const reader = new Reader(tokens, sql)
  if (is(tokens[0], '(') || reader.accept('SELECT') || reader.accept('WITH'))
    return { kind: 'select', tokens }
  if (reader.accept('CREATE')) return createTable(reader)
  if (reader.accept('DROP')) {
    reader.expect('TABLE')
    const ifExists = reader.acceptAll('IF', 'EXISTS')
    return { kind: 'dropTable', path: reader.path(), ifExists }
  }
  if (reader.accept('INSERT')) return change(reader, 'INSERT', 'INTO')
  if (reader.accept('DELETE')) return change(reader, 'DELETE', 'FROM')
  if (reader.accept('UPDATE')) return change(reader, 'UPDATE')
  if (reader.accept('TRUNCATE')) return change(reader, 'TRUNCATE_TABLE', 'TABLE')
  throw reader.unexpected()
}

function createTable(reader: Reader): Statement {
  const orReplace = reader.acceptAll('OR', 'REPLACE')
  reader.expect('TABLE')
  const ifNotExists = reader.acceptAll('IF', 'NOT', 'EXISTS')
  const path = reader.path()
  const columns = reader.parenthesised()
  const query = reader.accept('AS') ? reader.rest() : undefined
  if (query === undefined && !reader.atEnd) throw reader.unexpected()
  return {
    kind: 'createTable',
    path,
    orReplace,
    ifNotExists,
    ...(columns !== undefined && { columns }),
    ...(query !== undefined && { query }),
  }
}

/** The word between the verb and the table may be left out in BigQuery, not in DuckDB. */
function change(
  reader: Reader,
  type: 'DELETE' | 'INSERT' | 'TRUNCATE_TABLE' | 'UPDATE',
  word?: 'FROM' | 'INTO' | 'TABLE',
): Statement {
  const verb = reader.last
  const before: Token[] = verb === undefined ? [] : [verb]
  if (word !== undefined) {
    reader.accept(word)
    before.push({ kind: 'word', text: word, value: word, offset: verb?.offset ?? 0 })
  }
  const tokens = [...before, ...reader.rest()]
  return { kind: 'change', type, path: reader.path(), tokens }
}

class Reader {
  readonly #tokens: readonly Token[]
  readonly #sql: string
  #next = 0

  constructor(tokens: readonly Token[], sql: string) {
    this.#tokens = tokens
    this.#sql = sql
  }

  get atEnd(): boolean {
    return this.#next >= this.#tokens.length
  }

  /** The token that was accepted last. */
  get last(): Token | undefined {
    return this.#tokens[this.#next - 1]
  }

  accept(word: string): boolean {
    if (!is(this.#tokens[this.#next], word)) return false
    this.#next += 1
    return true
  }

  acceptAll(...words: string[]): boolean {
    if (!words.every((word, i) => is(this.#tokens[this.#next + i], word))) return false
    this.#next += words.length
    return true
  }

  expect(word: string): void {
    if (!this.accept(word)) throw this.unexpected()
  }

  path(): TablePath {
    const path = readTablePath(this.#tokens, this.#next)
    if (path === undefined) throw this.unexpected()
    this.#next = path.next
    return path
  }

  parenthesised(): Token[] | undefined {
    if (!is(this.#tokens[this.#next], '(')) return undefined
    const end = closing(this.#tokens, this.#next)
    const inner = this.#tokens.slice(this.#next + 1, end)
    this.#next = end + 1
    return inner
  }

  rest(): Token[] {
    return this.#tokens.slice(this.#next)
  }

  unexpected(): Error {
    const token = this.#tokens[this.#next]
    if (token === undefined)
      return queryError('Syntax error: Unexpected end of statement', this.#sql, this.#sql.length)
    const what = token.kind === 'word' ? `identifier "${token.text}"` : `"${token.text}"`
    return queryError(`Syntax error: Unexpected ${what}`, this.#sql, token.offset)
  }
}
