import type { Command } from 'commander'
import { addConnectionOptions, type ConnectionOptions, gatewayOf } from '../connection.ts'
import type { ExitCode } from '../exit-codes.ts'
import { number } from '../number.ts'
import { type WatchOptions, watchRun } from '../watch-run.ts'

/** `average-speed watch`: follows a run to its end. */
export function watchCommand(command: Command, done: (code: ExitCode) => void): Command {
  return addConnectionOptions(command)
    .description('follow a run to its end; Ctrl-C leaves the run alone')
    .argument('<run-id>', 'the run')
    .option('--timeout <minutes>', 'give up following after this time', number)
    .option('--json', 'print the run as one line of JSON whenever it has changed')
    .action(async (runId: string, options: ConnectionOptions & WatchOptions) =>
      done(await watchRun(gatewayOf(options), runId, options)),
    )
}
