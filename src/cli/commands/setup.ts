import type { Command } from 'commander'
import { oneLine } from '../../printable.ts'
import type { SetupOutcome } from '../../setup/apply.ts'
import { EXIT, type ExitCode } from '../exit-codes.ts'
import { addOperatorOptions, type OperatorOptions, settingsOf } from '../operator.ts'
import { print, printJson } from '../output.ts'

interface SetupOptions extends OperatorOptions {
  readonly dryRun?: boolean
}

/** `average-speed setup`: makes what a deployment needs; a second time it changes nothing. */
export function setupCommand(command: Command, done: (code: ExitCode) => void): Command {
  return addOperatorOptions(command)
    .description(
      'make buckets, lifecycle, copies of Spark files, dataset, table, search attributes and schedule',
    )
    .option('--dry-run', 'only say what would be done')
    .action(async (options: SetupOptions) => done(await setup(options)))
}

async function setup(options: SetupOptions): Promise<ExitCode> {
  const config = await settingsOf(options, ({ loadSetupConfig }) => loadSetupConfig())
  const { setUp } = await import('../../setup/setup.ts')
  const tell = (outcome: SetupOutcome): void => {
    if (!options.json) show(outcome)
  }
  const outcomes = await setUp(config, { dryRun: options.dryRun === true, tell })
  if (options.json) printJson(outcomes, 2)
  return outcomes.some(({ state }) => state === 'failed') ? EXIT.runFailed : EXIT.success
}

function show({ state, thing, detail, fault }: SetupOutcome): void {
  print(`${state.padEnd('would create'.length)}  ${thing}  (${detail})`)
  if (fault === undefined) return
  print(`  ${oneLine(fault.finding)}`)
  print(`  -> ${fault.remedy}`)
}
