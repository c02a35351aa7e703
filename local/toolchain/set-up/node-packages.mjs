import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './paths.mjs'
import { run } from './run.mjs'

/** npm ci, unless what npm noted of its last installation agrees with the lock file. */
export const nodePackages = {
  name: 'npm packages',
  isDone() {
    return existsSync(join(ROOT, 'node_modules', '.bin', 'node')) && installedAsLocked()
  },
  run() {
    return run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'])
  },
}

function installedAsLocked() {
  const locked = readPackages('package-lock.json')
  const installed = readPackages(join('node_modules', '.package-lock.json'))
  if (locked === undefined || installed === undefined) return false
  const agree = Object.entries(locked).every(([path, entry]) => {
    if (path === '') return true
    const there = installed[path]
    // What is meant for other platforms is not installed.
    if (there === undefined) return entry.optional === true || entry.devOptional === true
    return there.version === entry.version && there.integrity === entry.integrity
  })
  return agree && Object.keys(installed).every((path) => path in locked)
}

function readPackages(file) {
  try {
    return JSON.parse(readFileSync(join(ROOT, file), 'utf8')).packages
  } catch {
    return undefined
  }
}
