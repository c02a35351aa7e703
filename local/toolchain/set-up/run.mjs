import { spawn, spawnSync } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { delimiter, join } from 'node:path'
import { LOCAL, ROOT } from './paths.mjs'

/** A command that failed, with what it said last. */
export class CommandFailed extends Error {}

const TAIL_LINES = 25

/**
 * The environment for child processes, without the project's own node_modules/.bin on the path: `npm ci` removes that
 * folder while npm runs.
 */
export function outsideEnvironment() {
  const path = (process.env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => !folder.startsWith(join(ROOT, 'node_modules')))
    .join(delimiter)
  return { ...process.env, PATH: path }
}

/**
 * Runs a command silently; its output goes to `.local/set-up.log` and is shown only if it fails.
 * @param {string} command
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} [env] in addition to the usual environment
 * @returns {Promise<void>}
 */
export function run(command, args, env = {}) {
  return new Promise((resolve, reject) => {
    const log = createWriteStream(join(LOCAL, 'set-up.log'), { flags: 'a' })
    log.write(`\n$ ${command} ${args.join(' ')}\n`)
    const tail = []
    const child = spawn(command, args, {
      cwd: ROOT,
      env: { ...outsideEnvironment(), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (text) => {
        log.write(text)
        tail.push(...String(text).split('\n'))
        tail.splice(0, tail.length - TAIL_LINES)
      })
    }
    child.on('error', reject)
    child.on('close', (code) => {
      log.end()
      if (code === 0) resolve()
      else reject(new CommandFailed(tail.filter((line) => line.trim() !== '').join('\n')))
    })
  })
}

/** What a command prints, or undefined if it is not there or fails. */
export function ask(command, args) {
  const { status, stdout } = spawnSync(command, args, { encoding: 'utf8', env: outsideEnvironment() })
  return status === 0 ? stdout.trim() : undefined
}
