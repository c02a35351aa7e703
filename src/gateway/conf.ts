import { Problem } from './problem.ts'
import { PythonLiteralError, parsePythonLiteral } from './python-literal.ts'

/**
 * Reads the `conf` of an Airflow trigger: an object, or a string that holds one as JSON or as Python prints it. Absent,
 * null and blank mean none.
 * @throws Problem 400
 */
export function readConf(conf: unknown): Readonly<Record<string, unknown>> {
  const value = typeof conf === 'string' ? readText(conf) : (conf ?? {})
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Problem(400, 'conf must be an object such as {"raw_path": "gs://bucket/folder/raw-…/"}.')
  }
  return value as Readonly<Record<string, unknown>>
}

function readText(text: string): unknown {
  if (text.trim() === '') return {}
  try {
    return JSON.parse(text) ?? {}
  } catch {
    return readLiteral(text)
  }
}

function readLiteral(text: string): unknown {
  try {
    return parsePythonLiteral(text) ?? {}
  } catch (error) {
    if (!(error instanceof PythonLiteralError)) throw error
    throw new Problem(
      400,
      `conf is neither JSON nor a Python literal: it ${error.message}. Send it as JSON, with names and texts in double quotes.`,
    )
  }
}
