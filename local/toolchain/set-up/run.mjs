import { spawn, spawnSync } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { delimiter, join } from 'node:path'
import { LOCAL, ROOT } from './paths.mjs'

/** A command that failed, with what it said last. */
export class CommandFailed extends Error {}

/** Of a failed command's output the beginning and the end are shown; the cause stands in one of them. */
const SHOWN_LINES = 12

const children = new Set()

/** Ends what still runs, when another step has failed. */
export function stopAll() {
  for (const child of children) child.kill()
}

/**
 * The environment for child processes, without the project's own node_modules/.bin on the path: `npm ci` removes that
 * folder while npm runs.
 */
function outsideEnvironment() {
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
    const lines = []
    const child = spawn(command, args, {
      cwd: ROOT,
      env: { ...outsideEnvironment(), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (text) => {
        log.write(text)
        lines.push(...String(text).split('\n'))
      })
    }
    children.add(child)
    child.on('error', reject)
    child.on('close', (code) => {
      children.delete(child)
      log.end()
      if (code === 0) resolve()
      else reject(new CommandFailed(bothEnds(lines.filter((line) => line.trim() !== ''))))
    })
  })
}

function bothEnds(lines) {
  if (lines.length <= 2 * SHOWN_LINES) return lines.join('\n')
  return [...lines.slice(0, SHOWN_LINES), '...', ...lines.slice(-SHOWN_LINES)].join('\n')
}

/** What a command prints, or undefined if it is not there or fails. */
export function ask(command, args) {
  const { status, stdout } = spawnSync(command, args, { encoding: 'utf8', env: outsideEnvironment() })
  return status === 0 ? stdout.trim() : undefined
}
