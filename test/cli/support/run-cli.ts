import { spawn } from 'node:child_process'
import { join } from 'node:path'

/** What a command line came to. */
export interface CliOutcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

const root = join(import.meta.dirname, '..', '..', '..')

/** A command line that runs. */
export interface RunningCli {
  /** What it has written to stdout by now. */
  readonly output: () => string
  readonly outcome: Promise<CliOutcome>
}

/** Runs the CLI as its users do, in a process of its own with output to a pipe, and waits for its end. */
export function runCli(args: readonly string[], env: Readonly<Record<string, string>>): Promise<CliOutcome> {
  return startCli(args, env).outcome
}

/** The same, to be looked at while it runs. */
export function startCli(args: readonly string[], env: Readonly<Record<string, string>>): RunningCli {
  const child = spawn(process.execPath, [join(root, 'src/cli/main.ts'), ...args], {
    // Nothing of the test's own environment may help or hinder.
    env: { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk) => {
    stdout += chunk
  })
  child.stderr.on('data', (chunk) => {
    stderr += chunk
  })
  const outcome = new Promise<CliOutcome>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, stdout, stderr }))
  })
  return { output: () => stdout, outcome }
}
