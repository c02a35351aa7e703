import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from '../../local/support/free-port.ts'
import type { TestCloud } from './local-cloud.ts'
import { until } from './until.ts'

const ROOT = join(import.meta.dirname, '..', '..')
// A start takes two seconds, unless the machine does many other things.
const START_LIMIT_MS = 120_000

const NODE = join(ROOT, 'node_modules', '.bin', 'node')

/** A worker in a process of its own, which a test may kill. */
export interface WorkerProcess {
  readonly pid: number
  /** Sends a signal and waits until the process has ended. @returns its exit code; null when a signal has killed it */
  stop(signal?: NodeJS.Signals): Promise<number | null>
  /** What it has logged so far: JSON lines. */
  log(): Promise<string>
}

/**
 * Starts a worker on a cloud that was brought up without one, and waits until it polls. Its looks at clusters and jobs
 * follow each other fast, so that tests do not wait for them.
 * @param variables more of what the worker reads from its environment
 */
export async function startWorker(
  cloud: TestCloud,
  variables: Readonly<Record<string, string>> = {},
): Promise<WorkerProcess> {
  const port = await freePort('127.0.0.1')
  const logFile = join(cloud.stateDir, `worker-${port}.log`)
  const log = openSync(logFile, 'a')
  const child = spawn(NODE, [join(ROOT, 'src', 'worker', 'main.ts')], {
    env: {
      ...process.env,
      NODE_OPTIONS: '',
      ...cloud.env,
      STORAGE_API_ENDPOINT: cloud.get('STORAGE_ENDPOINT_OF_WORKER'),
      POLL_MINIMUM_MS: '50',
      CREATION_SETTLE_MS: '500',
      POLL_MAXIMUM_MS: '200',
      WORKER_METRICS_PORT: '0',
      // Each batch of a test has a table of its own.
      ...variables,
      WORKER_HEALTH_PORT: String(port),
    },
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  const exited = once(child, 'exit')
  try {
    await until(
      'the worker polls',
      async () => {
        if (hasEnded(child)) throw new Error('The worker ended.')
        return isReady(port)
      },
      START_LIMIT_MS,
    )
  } catch (error) {
    child.kill('SIGKILL')
    const said = (await readFile(logFile, 'utf8')).slice(-2_000)
    throw new Error(`${error instanceof Error ? error.message : String(error)} Its log ends in\n${said}`)
  }
  return {
    pid: child.pid ?? Number.NaN,
    async stop(signal = 'SIGTERM') {
      if (!hasEnded(child)) child.kill(signal)
      await exited
      return child.exitCode
    },
    log: () => readFile(logFile, 'utf8'),
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}

async function isReady(port: number): Promise<boolean> {
  try {
    return (await fetch(`http://127.0.0.1:${port}/readyz`, { signal: AbortSignal.timeout(1000) })).ok
  } catch {
    return false
  }
}
