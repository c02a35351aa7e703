import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { LOCAL } from './paths.mjs'

const FILE = join(LOCAL, 'set-up.lock')
const POLL_MS = 500

/**
 * Waits until no other set-up of this project runs, then keeps others waiting.
 * @param {() => void} onWait called once if there is another one
 * @returns {Promise<() => void>} gives the lock free
 */
export async function takeLock(onWait) {
  for (let waited = false; ; waited = true) {
    try {
      writeFileSync(FILE, String(process.pid), { flag: 'wx' })
      return () => rmSync(FILE, { force: true })
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
    }
    if (!ownerIsAlive()) {
      rmSync(FILE, { force: true })
      continue
    }
    if (!waited) onWait()
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}

function ownerIsAlive() {
  try {
    const pid = Number(readFileSync(FILE, 'utf8'))
    // An empty file belongs to somebody who is just about to write it.
    if (pid > 0) process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}
