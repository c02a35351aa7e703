import { DatabaseError } from './database.ts'
import { BigQueryError } from './errors.ts'
import type { SqlOutput } from './sql-output.ts'

/** `line:column`, both from 1, of an offset. */
export function position(sql: string, offset: number): string {
  const before = sql.slice(0, offset).split('\n')
  return `${before.length}:${(before.at(-1)?.length ?? 0) + 1}`
}

/** A refusal of a statement, with the place if it is known. */
export function queryError(message: string, sql: string, offset?: number): BigQueryError {
  const at = offset === undefined ? '' : ` at [${position(sql, offset)}]`
  return new BigQueryError('invalidQuery', `${message}${at}`, 'query')
}

/** A statement that cannot be read. */
export function syntaxError(message: string, sql: string, offset: number): BigQueryError {
  return queryError(`Syntax error: ${message}`, sql, offset)
}

/**
 * DuckDB's refusal of a translated statement, in BigQuery's words where it has some.
 * @param sql the statement as it was sent
 * @param prefix characters that stood before the translation
 */
export function translatedError(error: unknown, sql: string, output: SqlOutput, prefix = 0): Error {
  if (!(error instanceof DatabaseError)) return error instanceof Error ? error : new Error(String(error))
  const offset = error.position === undefined ? undefined : output.originOf(error.position - prefix)
  const firstLine = error.message.split('\n')[0] ?? ''
  if (error.kind === 'Parser') return parserError(firstLine, sql, offset)
  const name = error.missing && asWritten(error.missing, sql, offset)
  if (error.kind === 'Binder' && name !== undefined && /not found/.test(firstLine)) {
    return queryError(`Unrecognized name: ${name}`, sql, offset)
  }
  if (error.kind === 'Catalog' && name !== undefined && /Function/.test(firstLine)) {
    return queryError(`Function not found: ${name}`, sql, offset)
  }
  return queryError(firstLine, sql, offset)
}

/** DuckDB puts names of functions into lower case. */
function asWritten(name: string, sql: string, offset = 0): string {
  const there = sql.slice(offset, offset + name.length)
  return there.toLowerCase() === name.toLowerCase() ? there : name
}

function parserError(message: string, sql: string, offset: number | undefined): BigQueryError {
  const near = /at or near "(.*)"/.exec(message)?.[1]
  if (near === undefined || offset === undefined) {
    return syntaxError('Unexpected end of script', sql, offset ?? sql.trimEnd().length)
  }
  const word = /^\w*/.exec(sql.slice(offset))?.[0] ?? ''
  if (word === '') return syntaxError(`Unexpected "${sql.charAt(offset)}"`, sql, offset)
  const isKeyword = KEYWORDS.has(word.toUpperCase())
  return syntaxError(
    isKeyword ? `Unexpected keyword ${word.toUpperCase()}` : `Unexpected identifier "${word}"`,
    sql,
    offset,
  )
}

/**
 * Words that cannot be an alias without quotes.
 * @see https://cloud.google.com/bigquery/docs/reference/standard-sql/lexical#reserved_keywords
 */
export const KEYWORDS: ReadonlySet<string> = new Set(
  `ALL AND ANY ARRAY AS ASC ASSERT_ROWS_MODIFIED AT BETWEEN BY CASE CAST COLLATE CONTAINS CREATE CROSS CUBE CURRENT DEFAULT
  DEFINE DESC DISTINCT ELSE END ENUM ESCAPE EXCEPT EXCLUDE EXISTS EXTRACT FALSE FETCH FOLLOWING FOR FROM FULL GROUP GROUPING
  GROUPS HASH HAVING IF IGNORE IN INNER INTERSECT INTERVAL INTO IS JOIN LATERAL LEFT LIKE LIMIT LOOKUP MERGE NATURAL NEW NO
  NOT NULL NULLS OF ON OR ORDER OUTER OVER PARTITION PRECEDING PROTO QUALIFY RANGE RECURSIVE RESPECT RIGHT ROLLUP ROWS SELECT
  SET SOME STRUCT TABLESAMPLE THEN TO TREAT TRUE UNBOUNDED UNION UNNEST USING WHEN WHERE WINDOW WITH WITHIN`.split(
    /\s+/,
  ),
)
