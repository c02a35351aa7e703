import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePort } from '../../local/support/free-port.ts'
import { ROOT } from './alerts.ts'
import { until } from './until.ts'

const FOLDER = join(ROOT, 'deploy', 'prometheus')

/** A Prometheus of a test's own, with the project's configuration and alerts. */
export interface Prometheus {
  /** The values of an expression now. */
  query(expression: string): Promise<readonly number[]>
  /** Alerts that are pending or firing. */
  alerts(): Promise<readonly { readonly state: string; readonly labels: Readonly<Record<string, string>> }[]>
  close(): Promise<void>
}

/** Runs promtool. @throws Error with its output when it complains */
export async function promtool(...args: readonly string[]): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)('promtool', args, { cwd: ROOT })
  return stdout + stderr
}

/**
 * Starts Prometheus with `deploy/prometheus`, which only looks elsewhere and more often.
 * @param targets addresses in place of those in the configuration
 */
export async function startPrometheus(targets: Readonly<Record<string, string>>): Promise<Prometheus> {
  const folder = await mkdtemp(join(tmpdir(), 'prometheus-'))
  await cp(FOLDER, folder, { recursive: true })
  const file = join(folder, 'prometheus.yml')
  let config = (await readFile(file, 'utf8')).replaceAll('15s', '1s')
  for (const [from, to] of Object.entries(targets)) {
    if (!config.includes(from)) throw new Error(`The configuration does not scrape ${from}.`)
    config = config.replace(from, to)
  }
  await writeFile(file, config)
  const url = `http://127.0.0.1:${await freePort('127.0.0.1')}`
  const server = spawn(
    'prometheus',
    [
      `--config.file=${file}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=${new URL(url).host}`,
    ],
    { stdio: 'ignore' },
  )
  const exited = once(server, 'exit')
  const ask = async <T>(path: string): Promise<T> => {
    const { data } = (await (await fetch(`${url}/api/v1/${path}`)).json()) as { data: T }
    return data
  }
  await until('Prometheus is ready', async () => {
    if (server.exitCode !== null) throw new Error(`Prometheus ended with ${server.exitCode}.`)
    return fetch(`${url}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    )
  })
  return {
    async query(expression) {
      const { result } = await ask<{ result: { value: [number, string] }[] }>(
        `query?query=${encodeURIComponent(expression)}`,
      )
      return result.map(({ value: [, value] }) => Number(value))
    },
    alerts: async () => (await ask<{ alerts: Awaited<ReturnType<Prometheus['alerts']>> }>('alerts')).alerts,
    async close() {
      server.kill('SIGTERM')
      await exited
      await rm(folder, { recursive: true, force: true })
    },
  }
}
