import type { ChildProcess } from 'node:child_process'

const groups = new Set<number>()

/**
 * Makes sure that a child, started `detached` and so the leader of a process group, does not outlive this process: however
 * it exits, short of being killed outright, the group is killed first.
 */
export function dieWithUs(child: ChildProcess): void {
  const { pid } = child
  if (pid === undefined) return
  if (groups.size === 0) process.once('exit', killAll)
  groups.add(pid)
  child.once('close', () => {
    groups.delete(pid)
    if (groups.size === 0) process.removeListener('exit', killAll)
  })
}

/** Sends a signal to a child's whole group; a group that is gone is no error. */
export function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, signal)
  } catch {
    // Already gone.
  }
}

function killAll(): void {
  for (const pid of groups) {
    try {
      process.kill(-pid, 'SIGKILL')
    } catch {
      // Already gone.
    }
  }
}
