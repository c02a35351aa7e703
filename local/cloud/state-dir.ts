import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

/** An emptied state folder that is ours until it is released. */
export interface StateDir {
  readonly path: string
  /** Says where the cloud is, for whoever tries to start a second one. */
  announce(where: string): void
  /** Gives the folder free; its content stays for a look at logs. */
  release(): void
}

/**
 * Takes a folder for one local cloud and empties it. A lock whose owner is dead counts as none.
 * @throws Error, when another cloud is up on it, with one line that says where the other one is.
 */
export function takeStateDir(path: string): StateDir {
  const lock = `${path}.lock`
  mkdirSync(dirname(path), { recursive: true })
  takeLock(lock)
  rmSync(path, { recursive: true, force: true })
  mkdirSync(path, { recursive: true, mode: 0o700 })
  return {
    path,
    announce: (where) => writeFileSync(lock, `${process.pid} ${where}`),
    release: () => rmSync(lock, { force: true }),
  }
}

function takeLock(lock: string): void {
  try {
    writeFileSync(lock, `${process.pid} starting`, { flag: 'wx' })
    return
  } catch (error) {
    if (!isCode(error, 'EEXIST')) throw error
  }
  const [pid = '', ...where] = readFileSync(lock, 'utf8').split(' ')
  if (isAlive(Number(pid))) {
    throw new Error(
      `The local cloud is already up: ${where.join(' ')} (process ${pid}). Stop that one first.`,
    )
  }
  rmSync(lock, { force: true })
  writeFileSync(lock, `${process.pid} starting`, { flag: 'wx' })
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return isCode(error, 'EPERM')
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
