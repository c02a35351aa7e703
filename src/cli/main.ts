#!/usr/bin/env node
import { Command, CommanderError } from 'commander'
import { modernised } from './arguments.ts'
import { cancelCommand } from './commands/cancel.ts'
import { doctorCommand } from './commands/doctor.ts'
import { exportCommand } from './commands/export.ts'
import { listCommand } from './commands/list.ts'
import { retryCommand } from './commands/retry.ts'
import { setupCommand } from './commands/setup.ts'
import { statusCommand } from './commands/status.ts'
import { triggerCommand } from './commands/trigger.ts'
import { watchCommand } from './commands/watch.ts'
import { CliError, EXIT, EXIT_HELP, type ExitCode } from './exit-codes.ts'
import { commanderOutput, printMessage } from './output.ts'

/** Runs one command line; its outcome becomes the exit status. */
async function main(argv: readonly string[]): Promise<void> {
  const done = (code: ExitCode): void => {
    process.exitCode = code
  }
  const program = new Command('average-speed')
    .description(
      'Start and follow runs of the average-speed pipeline; set a deployment up and look after it.',
    )
    .showHelpAfterError('(average-speed help shows how)')
    .exitOverride()
    .configureOutput(commanderOutput)
    .addHelpText('after', EXIT_HELP)
  // Without a command it triggers, as the script that it replaces did.
  triggerCommand(program.command('trigger', { isDefault: true }), done)
  statusCommand(program.command('status'), done)
  watchCommand(program.command('watch'), done)
  listCommand(program.command('list'), done)
  cancelCommand(program.command('cancel'), done)
  retryCommand(program.command('retry'), done)
  exportCommand(program.command('export'), done)
  doctorCommand(program.command('doctor'), done)
  setupCommand(program.command('setup'), done)
  const words = modernised(argv)
  refuseUnknownCommand(program, words[0])
  await program.parseAsync(words, { from: 'user' })
}

/** Since there is a default command, commander would take it for a word too many of that one. */
function refuseUnknownCommand(program: Command, word: string | undefined): void {
  if (word === undefined || word.startsWith('-')) return
  const names = ['help', ...program.commands.map((command) => command.name())]
  if (!names.includes(word)) {
    throw new CliError(EXIT.usage, `There is no command "${word}"; average-speed help lists them.`)
  }
}

main(process.argv.slice(2)).catch((error: unknown) => {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? EXIT.success : EXIT.usage
  } else if (error instanceof CliError) {
    printMessage(error.message)
    if (error.remedy !== undefined) printMessage(error.remedy)
    process.exitCode = error.exitCode
  } else {
    printMessage(`Something unforeseen went wrong: ${error instanceof Error ? error.message : error}`)
    process.exitCode = EXIT.unreachable
  }
})
