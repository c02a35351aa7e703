import type { Command } from 'commander'
import { type ActionOptions, addActionOptions, reportAndFollow } from '../act-on-run.ts'
import { addConnectionOptions, gatewayOf } from '../connection.ts'
import type { ExitCode } from '../exit-codes.ts'

/** `average-speed retry`: does a run again that did not succeed. */
export function retryCommand(command: Command, done: (code: ExitCode) => void): Command {
  return addActionOptions(addConnectionOptions(command))
    .description('do a run again that did not succeed, wherever its files are by now')
    .argument('<run-id>', 'the run')
    .action(async (runId: string, options: ActionOptions) => {
      const gateway = gatewayOf(options)
      const run = await gateway.retry(runId)
      done(await reportAndFollow(gateway, run, `Run ${run.run_id} begins anew`, options))
    })
}
