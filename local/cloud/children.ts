import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { stopProcess } from '../support/processes.ts'
import type { CloudEnvironment } from './settings.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const READY_DEADLINE_MS = 60_000

/** One of the project's own processes. */
export interface ChildOptions {
  readonly name: string
  /** Relative to the project. */
  readonly script: string
  readonly env: CloudEnvironment
  /** Answers 200 once the process is ready. */
  readonly readyUrl: string
  readonly logFile: string
}

/**
 * Starts a process and waits until it says that it is ready.
 * @throws Error that names its log when it ends before, or is not ready within a minute.
 */
export async function startChild(options: ChildOptions): Promise<ChildProcess> {
  const output = openSync(options.logFile, 'a')
  const child = spawn(process.execPath, [join(ROOT, options.script)], {
    cwd: ROOT,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', output, output],
    // A process group of its own: Ctrl-C at the terminal must reach it through us, in our order.
    detached: true,
  })
  closeSync(output)
  const deadline = Date.now() + READY_DEADLINE_MS
  while (!(await isReady(options.readyUrl))) {
    const ended = child.exitCode !== null || child.signalCode !== null
    if (ended || Date.now() > deadline) {
      await stopProcess(child, 'SIGKILL')
      const what = ended ? 'ended before it was ready' : 'was not ready within a minute'
      throw new Error(`The ${options.name} ${what}. Its log is ${options.logFile}.`)
    }
    await sleep(100)
  }
  return child
}

async function isReady(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(1000) })).ok
  } catch {
    return false
  }
}
