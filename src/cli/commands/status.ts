import type { Command } from 'commander'
import { isOngoing } from '../../gateway/schemas/run.ts'
import { addConnectionOptions, type ConnectionOptions, gatewayOf } from '../connection.ts'
import { EXIT, type ExitCode } from '../exit-codes.ts'
import { print, printJson } from '../output.ts'
import { runLines } from '../view/run-text.ts'

interface StatusOptions extends ConnectionOptions {
  readonly json?: boolean
}

/** `average-speed status`: shows a run as it is now. */
export function statusCommand(command: Command, done: (code: ExitCode) => void): Command {
  return addConnectionOptions(command)
    .description('show a run with its steps, and its result or failure')
    .argument('<run-id>', 'the run')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nThe exit status is 1 when the run has ended without success.')
    .action(async (runId: string, options: StatusOptions) => done(await status(runId, options)))
}

async function status(runId: string, options: StatusOptions): Promise<ExitCode> {
  const run = await gatewayOf(options).get(runId)
  if (options.json) printJson(run)
  else for (const line of runLines(run, new Date())) print(line)
  return isOngoing(run.status) || run.status === 'succeeded' ? EXIT.success : EXIT.runFailed
}
