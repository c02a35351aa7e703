import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'

/** A row; DuckDB's text, since every statement of ours that returns rows casts to VARCHAR. */
export type TextRow = readonly (string | null)[]

/** What DuckDB refused, and where in the statement. */
export class DatabaseError extends Error {
  /** Such as `Parser`, `Binder`, `Catalog`, `Conversion`. */
  readonly kind: string
  /** Offset into the statement, in characters, where DuckDB knows it. */
  readonly position: number | undefined
  /** The name that was not found, where that was the fault. */
  readonly missing: string | undefined

  constructor(kind: string, message: string, position?: number, missing?: string) {
    super(message)
    this.kind = kind
    this.position = position
    this.missing = missing
  }
}

/** Statements on one connection, which may be within a transaction. */
export interface Statements {
  /** Runs a statement. @returns how many rows it changed */
  run(sql: string): Promise<number>
  /** Runs a statement whose columns are all VARCHAR. */
  rows(sql: string): Promise<TextRow[]>
}

/** The tables' content. */
export class Database {
  readonly #instance: DuckDBInstance

  private constructor(instance: DuckDBInstance) {
    this.#instance = instance
  }

  /** Opens a new database in a file that does not exist yet. */
  static async open(file: string): Promise<Database> {
    const instance = await DuckDBInstance.create(file, {
      // Extensions would be downloaded.
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
      errors_as_json: 'true',
    })
    const database = new Database(instance)
    // BigQuery's TIMESTAMPs have no zone of their own and are shown in UTC.
    await database.run("SET GLOBAL TimeZone = 'UTC'")
    await database.run("SET GLOBAL default_null_order = 'nulls_first_on_asc_last_on_desc'")
    return database
  }

  /** Runs a statement on a connection of its own. @throws DatabaseError */
  run(sql: string): Promise<number> {
    return this.#connected((statements) => statements.run(sql))
  }

  /** Reads rows on a connection of its own. @throws DatabaseError */
  rows(sql: string): Promise<TextRow[]> {
    return this.#connected((statements) => statements.rows(sql))
  }

  /** Runs statements that take effect together, or not at all if one fails or `work` throws. @throws DatabaseError */
  transaction<T>(work: (statements: Statements) => Promise<T>): Promise<T> {
    return this.#connected(async (statements) => {
      await statements.run('BEGIN')
      try {
        const result = await work(statements)
        await statements.run('COMMIT')
        return result
      } catch (error) {
        // A statement that failed may have ended the transaction already.
        await statements.run('ROLLBACK').catch(() => undefined)
        throw error
      }
    })
  }

  /** Streams a result in chunks of rows, so that large ones need little memory. */
  async *stream(sql: string): AsyncGenerator<TextRow[]> {
    const connection = await this.#instance.connect()
    try {
      const result = await attempt(() => connection.stream(sql))
      for await (const rows of result.yieldRows()) yield rows as unknown as TextRow[]
    } finally {
      connection.closeSync()
    }
  }

  close(): void {
    this.#instance.closeSync()
  }

  async #connected<T>(work: (statements: Statements) => Promise<T>): Promise<T> {
    const connection = await this.#instance.connect()
    try {
      return await work(statementsOn(connection))
    } finally {
      connection.closeSync()
    }
  }
}

function statementsOn(connection: DuckDBConnection): Statements {
  return {
    run: async (sql) => (await attempt(() => connection.run(sql))).rowsChanged,
    rows: async (sql) => {
      const reader = await attempt(() => connection.runAndReadAll(sql))
      return reader.getRows() as unknown as TextRow[]
    },
  }
}

async function attempt<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw databaseError(error)
  }
}

/** With `errors_as_json` the message is JSON, sometimes behind the kind of error. */
function databaseError(error: unknown): Error {
  const text = error instanceof Error ? error.message : String(error)
  const json = text.slice(text.indexOf('{'))
  try {
    const fault: Readonly<Record<string, string>> = JSON.parse(json)
    const position = fault['position'] === undefined ? undefined : Number(fault['position'])
    return new DatabaseError(
      fault['exception_type'] ?? '',
      fault['exception_message'] ?? text,
      position,
      fault['name'],
    )
  } catch {
    return new DatabaseError('', text)
  }
}
