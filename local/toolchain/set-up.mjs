// Installs what the project needs, on whatever Node.js the machine has. Does nothing when all is there.
//
//   node local/toolchain/set-up.mjs [--tests]
//
// --tests also installs what only the tests need.
import { mkdirSync } from 'node:fs'
import { classArchive } from './set-up/class-archive.mjs'
import { gcsConnector } from './set-up/gcs-connector.mjs'
import { takeLock } from './set-up/lock.mjs'
import { nodePackages } from './set-up/node-packages.mjs'
import { LOCAL } from './set-up/paths.mjs'
import { checkPrerequisites, MissingPrerequisite } from './set-up/prerequisites.mjs'
import { Progress, seconds } from './set-up/progress.mjs'
import { pythonTools } from './set-up/python-tools.mjs'
import { CommandFailed, stopAll } from './set-up/run.mjs'

const OPTIONS = ['--tests']
const unknown = process.argv.slice(2).find((option) => !OPTIONS.includes(option))
if (unknown !== undefined) {
  console.error(`Set-up has no option ${unknown}. Usage: node local/toolchain/set-up.mjs [--tests]`)
  process.exit(2)
}
const withTests = process.argv.includes('--tests')

/** Chains of steps: chains run side by side, the steps of one in turn. */
const chains = [
  [nodePackages],
  [
    pythonTools('Temporal, Spark and Java', 'requirements.txt'),
    gcsConnector,
    ...(withTests ? [pythonTools('test tools', 'requirements-test.txt')] : []),
  ],
]

/** What needs all of those. */
const last = [classArchive]

async function main() {
  if (allDone()) return
  const started = Date.now()
  const progress = new Progress()
  const { python } = checkPrerequisites()
  mkdirSync(LOCAL, { recursive: true })
  const unlock = await takeLock(() => progress.say('Waiting for another set-up of this project to end.'))
  try {
    if (allDone()) return
    progress.say('Setting up, once:')
    await Promise.all(chains.map((chain) => runChain(chain, python, progress)))
    await runChain(last, python, progress)
    progress.say(`Set-up is done (${seconds(started)}).\n`)
  } finally {
    unlock()
  }
}

function allDone() {
  return [...chains.flat(), ...last].every((step) => step.isDone())
}

async function runChain(chain, python, progress) {
  for (const step of chain) {
    if (step.isDone()) continue
    progress.start(step.name)
    try {
      await step.run(python)
    } catch (error) {
      progress.failed(step.name)
      throw error
    }
    progress.done(step.name)
  }
}

main().catch((error) => {
  if (error instanceof MissingPrerequisite) console.error(error.message)
  else if (error instanceof CommandFailed)
    console.error(`${error.message}\n\nSet-up failed. All output is in .local/set-up.log.`)
  else console.error(error)
  // The other chain would only keep the user waiting.
  stopAll()
  process.exit(1)
})
