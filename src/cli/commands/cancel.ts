import type { Command } from 'commander'
import { type ActionOptions, addActionOptions, reportAndFollow } from '../act-on-run.ts'
import { addConnectionOptions, gatewayOf } from '../connection.ts'
import type { ExitCode } from '../exit-codes.ts'

/** `average-speed cancel`: asks a run to end early. */
export function cancelCommand(command: Command, done: (code: ExitCode) => void): Command {
  return addActionOptions(addConnectionOptions(command))
    .description('ask a run to end early; it still takes its cluster down and cleans up')
    .argument('<run-id>', 'the run')
    .action(async (runId: string, options: ActionOptions) => {
      const gateway = gatewayOf(options)
      const run = await gateway.cancel(runId)
      done(await reportAndFollow(gateway, run, `Run ${run.run_id} was asked to end`, options))
    })
}
