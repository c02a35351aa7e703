import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

const PYTHON = join(import.meta.dirname, '..', '..', '.local', 'venv', 'bin', 'python')

/**
 * Runs a program with the pinned Python packages, Google's clients among them.
 * @returns what it printed
 * @throws Error with what it complained about
 */
export async function runPython(
  program: string,
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { stdout } = await promisify(execFile)(PYTHON, ['-c', program], { env: { ...process.env, ...env } })
  return stdout
}

/**
 * Runs a file of pytest tests.
 * @returns pytest's report
 * @throws Error with the report when a test fails
 */
export async function runPytest(file: string, env: Readonly<Record<string, string>>): Promise<string> {
  const args = ['-m', 'pytest', '-q', '-p', 'no:cacheprovider', file]
  try {
    const { stdout } = await promisify(execFile)(PYTHON, args, { env: { ...process.env, ...env } })
    return stdout
  } catch (error) {
    throw new Error(
      typeof error === 'object' && error !== null && 'stdout' in error ? String(error.stdout) : String(error),
    )
  }
}
