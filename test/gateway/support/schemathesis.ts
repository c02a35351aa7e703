import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { tools } from '../../../local/toolchain/tools.ts'

/** What Schemathesis is asked to do. */
export interface SchemathesisOptions {
  /** Base of the API, which describes itself at `/openapi.json`. */
  readonly url: string
  readonly authorization: string
  /** Cases that each operation gets in each phase that makes them up. */
  readonly casesEach: number
  /** Same seed, same cases; default: another one each time, which the report names. */
  readonly seed?: number
}

/** How it went. */
export interface SchemathesisOutcome {
  readonly exitCode: number
  /** For a reader: failures with the requests that show them. */
  readonly report: string
  readonly cases: number
  readonly operations: { readonly total: number; readonly tested: number }
  readonly errors: readonly unknown[]
}

/** Lets Schemathesis loose on an API, with all checks and what `schemathesis.toml` says. */
export async function runSchemathesis(options: SchemathesisOptions): Promise<SchemathesisOutcome> {
  const folder = await mkdtemp(join(tmpdir(), 'schemathesis-'))
  const reportFile = join(folder, 'report.json')
  const args = [
    ...['--config-file', join(import.meta.dirname, 'schemathesis.toml')],
    ...['run', `${options.url}/openapi.json`, '--url', options.url],
    ...['--header', `Authorization: ${options.authorization}`],
    ...['--checks', 'all', '--mode', 'all', '--continue-on-failure'],
    ...['--max-examples', String(options.casesEach)],
    ...(options.seed === undefined ? [] : ['--seed', String(options.seed)]),
    ...['--generation-database', 'none', '--no-color'],
    ...['--report', 'json', '--report-json-path', reportFile],
  ]
  const child = spawn(join(dirname(tools.python), 'schemathesis'), args, {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let report = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (text) => {
      report += String(text)
    })
  }
  const [exitCode] = await once(child, 'close')
  const summary = JSON.parse(await readFile(reportFile, 'utf8').catch(() => '{}'))
  await rm(folder, { recursive: true, force: true })
  return {
    exitCode: Number(exitCode),
    report,
    cases: summary.test_cases?.generated ?? 0,
    operations: summary.operations,
    errors: summary.errors,
  }
}
