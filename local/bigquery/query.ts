import { DatabaseError, type TextRow } from './database.ts'
import { BigQueryError } from './errors.ts'
import { type Field, parseFields } from './fields.ts'
import { informationSchema } from './information-schema.ts'
import { type DatasetRef, quoted, sqlTable, type TableRef, tableName } from './names.ts'
import { parameterReader } from './query-parameters.ts'
import type { QueryBody } from './requests.ts'
import { translate } from './sql.ts'
import { queryError, syntaxError, translatedError } from './sql-errors.ts'
import { resolveTable, singleStatement, type TablePath } from './sql-names.ts'
import type { SqlOutput } from './sql-output.ts'
import { nameColumns } from './sql-select-list.ts'
import { readStatement, type Statement } from './sql-statement.ts'
import { is, splitAtCommas, type Token, tokenize } from './sql-tokens.ts'
import { fieldOf } from './types.ts'
import type { Warehouse } from './warehouse.ts'

/** A SELECT in DuckDB's dialect and the columns that it gives. */
export interface Select {
  readonly output: SqlOutput
  readonly fields: readonly Field[]
}

/** What a statement is going to do. */
export type Action =
  | { readonly kind: 'select'; readonly select: Select }
  | {
      readonly kind: 'createTable'
      readonly ref: TableRef
      readonly orReplace: boolean
      readonly ifNotExists: boolean
      readonly fields: readonly Field[]
      readonly select?: Select
    }
  | { readonly kind: 'dropTable'; readonly ref: TableRef; readonly ifExists: boolean }
  | { readonly kind: 'change'; readonly ref: TableRef; readonly output: SqlOutput }

/** A statement that was read and is known to make sense. */
export interface AnalysedQuery {
  /** As sent. */
  readonly sql: string
  /** Such as `SELECT`; https://cloud.google.com/bigquery/docs/reference/rest/v2/Job#JobStatistics2 */
  readonly statementType: string
  readonly action: Action
  readonly referencedTables: readonly TableRef[]
  /** Logical bytes of the tables that are read, all columns of them. */
  readonly bytesProcessed: number
}

/** Where a statement's names are looked up. */
export interface QueryContext {
  readonly warehouse: Warehouse
  readonly projectId: string
  /** Of the job, for messages. */
  readonly location: string
}

/**
 * Reads a query and checks it against the tables, without running it.
 * @throws BigQueryError `invalidQuery`, `notFound`
 */
export async function analyse(body: QueryBody, context: QueryContext): Promise<AnalysedQuery> {
  const sql = body.query ?? ''
  if (body.useLegacySql) {
    throw new BigQueryError(
      'invalidQuery',
      'The local BigQuery has no legacy SQL. Set useLegacySql to false.',
    )
  }
  const tokens = singleStatement(tokenize(sql), sql)
  if (tokens.length === 0) throw syntaxError('Unexpected end of statement', sql, sql.length)
  const analysis = new Analysis(sql, body, context)
  const statement = readStatement(tokens, sql)
  const action = await analysis.actionOf(statement)
  const referencedTables = [...analysis.referenced.values()]
  const bytes = referencedTables.map((ref) => context.warehouse.catalog.table(ref).bytes)
  return {
    sql,
    statementType: typeOf(statement),
    action,
    referencedTables,
    bytesProcessed: bytes.reduce((sum, n) => sum + n, 0),
  }
}

function typeOf(statement: Statement): string {
  if (statement.kind === 'select') return 'SELECT'
  if (statement.kind === 'dropTable') return 'DROP_TABLE'
  if (statement.kind === 'change') return statement.type
  return statement.query === undefined ? 'CREATE_TABLE' : 'CREATE_TABLE_AS_SELECT'
}

class Analysis {
  readonly referenced = new Map<string, TableRef>()
  readonly #sql: string
  readonly #context: QueryContext
  readonly #defaultDataset: DatasetRef | undefined
  readonly #parameter: (token: Token) => string
  #unknownTable: BigQueryError | undefined

  constructor(sql: string, { defaultDataset, queryParameters }: QueryBody, context: QueryContext) {
    this.#sql = sql
    this.#context = context
    this.#defaultDataset = defaultDataset && { projectId: context.projectId, ...defaultDataset }
    this.#parameter = parameterReader(queryParameters ?? [], sql)
  }

  async actionOf(statement: Statement): Promise<Action> {
    switch (statement.kind) {
      case 'select':
        return { kind: 'select', select: await this.#select(statement.tokens) }
      case 'change': {
        const output = this.#translate(statement.tokens)
        await this.#asked('EXPLAIN ', output)
        return { kind: 'change', ref: this.#resolve(statement.path), output }
      }
      case 'dropTable': {
        const ref = this.#resolve(statement.path)
        if (!statement.ifExists) this.#existing(ref)
        return { kind: 'dropTable', ref, ifExists: statement.ifExists }
      }
      case 'createTable': {
        const { path, orReplace, ifNotExists, columns, query } = statement
        const select = query && (await this.#select(query))
        const fields = columns === undefined ? (select?.fields ?? []) : this.#columns(columns)
        const ref = this.#resolve(path)
        return { kind: 'createTable', ref, orReplace, ifNotExists, fields, ...(select && { select }) }
      }
    }
  }

  async #select(tokens: readonly Token[]): Promise<Select> {
    const output = this.#translate(nameColumns(tokens))
    return { output, fields: await this.#fieldsOf(output) }
  }

  #translate(tokens: readonly Token[]): SqlOutput {
    return translate(tokens, {
      parameter: this.#parameter,
      table: (path) => this.#tableSql(path),
    })
  }

  /** A table that is not there is reported only if the statement can be read at all. */
  #tableSql(path: TablePath): string {
    const { warehouse, projectId } = this.#context
    try {
      const schema = informationSchema(warehouse.catalog, path, projectId)
      if (schema !== undefined) return schema
      const ref = this.#resolve(path)
      this.#existing(ref)
      return sqlTable(ref)
    } catch (error) {
      if (!(error instanceof BigQueryError)) throw error
      this.#unknownTable ??= error
      return quoted(path.parts.join('.'))
    }
  }

  /** Asks DuckDB about a statement without running it. */
  async #asked(prefix: 'DESCRIBE ' | 'EXPLAIN ', output: SqlOutput): Promise<TextRow[]> {
    try {
      return await this.#context.warehouse.database.rows(`${prefix}${output.sql}`)
    } catch (error) {
      const isSyntax = error instanceof DatabaseError && error.kind === 'Parser'
      if (this.#unknownTable !== undefined && !isSyntax) throw this.#unknownTable
      throw translatedError(error, this.#sql, output, prefix.length)
    }
  }

  #resolve(path: TablePath): TableRef {
    return resolveTable(path, this.#context.projectId, this.#defaultDataset)
  }

  #existing(ref: TableRef): void {
    const { warehouse, location } = this.#context
    const table = warehouse.catalog.findTable(ref)
    if (table === undefined) {
      throw new BigQueryError(
        'notFound',
        `Not found: Table ${tableName(ref)} was not found in location ${location}`,
      )
    }
    if (table.fields.length === 0) {
      throw new BigQueryError('invalidQuery', `Table ${tableName(ref)} does not have a schema.`)
    }
    this.referenced.set(tableName(ref), ref)
  }

  async #fieldsOf(output: SqlOutput): Promise<Field[]> {
    const columns = await this.#asked('DESCRIBE ', output)
    const fields = columns.map(([name, type]) => fieldOf(name ?? '', type ?? ''))
    const names = fields.map(({ name }) => name.toLowerCase())
    const repeated = names.find((name, i) => names.indexOf(name) < i)
    if (repeated === undefined) return fields
    throw queryError(
      `Duplicate column names in the result are not supported. Found duplicate(s): ${repeated}`,
      this.#sql,
    )
  }

  #columns(tokens: readonly Token[]): Field[] {
    const raw = splitAtCommas(tokens).map(([name, type, not, nil, ...more]) => {
      const required = is(not, 'NOT') && is(nil, 'NULL')
      const surplus = required ? more[0] : not
      if (surplus !== undefined) {
        throw queryError(
          'The local BigQuery knows only NOT NULL behind a column; something else stands',
          this.#sql,
          surplus.offset,
        )
      }
      return {
        name: name?.kind === 'quotedName' ? name.value : (name?.text ?? ''),
        type: type?.text ?? '',
        mode: required ? 'REQUIRED' : 'NULLABLE',
      }
    })
    return parseFields(raw)
  }
}
