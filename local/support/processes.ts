import type { ChildProcess } from 'node:child_process'

/** A child that has not ended this long after SIGTERM is killed. */
const GRACE_MS = 10_000

/** Ends a child process and waits until it has ended; does nothing if it has already. */
export async function stopProcess(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.kill(signal)
  const timer = setTimeout(() => child.kill('SIGKILL'), GRACE_MS)
  await ended
  clearTimeout(timer)
}
