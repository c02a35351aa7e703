import { Command } from 'commander'
import { print, printJson, printMessage } from '../../src/cli/output.ts'
import { untilStopped } from '../cloud/until-stopped.ts'
import { exportTrips } from './export-trips.ts'
import { openCloud } from './open-cloud.ts'
import { linksOf, readOutcome, render } from './outcome.ts'
import { triggerRun } from './trigger-run.ts'

interface DemoOptions {
  readonly exit?: true
  readonly json?: true
}

const command = new Command('npm run demo --')
  .description(
    'Brings the local cloud up, sends one batch of real trips through it, and shows what came of it.',
  )
  .option('--exit', 'end when the run has ended; also the way when the output is not a terminal')
  .option('--json', 'print the outcome as one JSON document, and nothing else; implies --exit')
  .parse()
const options = command.opts<DemoOptions>()
const staysUp = process.stdout.isTTY === true && !options.exit && !options.json
const say = (text: string): void => {
  if (!options.json) for (const line of text.split('\n')) print(line)
}

try {
  process.exitCode = await demo()
} catch (error) {
  printMessage(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
}

/** @returns the exit status: that of the trigger, which is 0 when the run has succeeded */
async function demo(): Promise<number> {
  say('Bringing up the local cloud')
  const cloud = await openCloud({ own: !staysUp, say })
  try {
    const rawPath = await exportTrips(cloud.env, say)
    say('\nTriggering the run, as an on-prem job does')
    const runId = `demo-${new Date().toISOString()}`
    const status = await triggerRun(cloud.env, { runId, rawPath, quiet: options.json === true })
    const outcome = await readOutcome(cloud.env, { runId, rawPath })
    if (options.json) printJson(outcome, 2)
    say(render(outcome))
    if (staysUp) {
      say(`\n${linksOf(outcome)}\n\nEverything stays up for a look around. Ctrl-C takes it down.`)
      await untilStopped({ withParent: false })
    }
    return status
  } finally {
    await cloud.close()
  }
}
