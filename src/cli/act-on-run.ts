import type { Command } from 'commander'
import type { RunSummaryJson } from '../gateway/schemas/run.ts'
import type { ConnectionOptions } from './connection.ts'
import { EXIT, type ExitCode } from './exit-codes.ts'
import type { Gateway } from './gateway-client.ts'
import { number } from './number.ts'
import { print, printJson } from './output.ts'
import { type WatchOptions, watchRun } from './watch-run.ts'

/** Options of the commands that do something to a run and may then follow it. */
export interface ActionOptions extends ConnectionOptions, WatchOptions {
  readonly wait?: boolean
}

/** Adds the options to a command. */
export function addActionOptions(command: Command): Command {
  return command
    .option('--wait', 'follow the run to its end')
    .option('--timeout <minutes>', 'with --wait: give up following after this time', number)
    .option('--json', 'print JSON; with --wait one line whenever the run has changed')
}

/** Reports what was done to a run and, if asked, follows it. */
export async function reportAndFollow(
  gateway: Gateway,
  run: RunSummaryJson,
  sentence: string,
  options: ActionOptions,
): Promise<ExitCode> {
  if (!options.json) print(`${sentence}: ${run.links.web_ui}`)
  else if (!options.wait) printJson(run)
  return options.wait ? watchRun(gateway, run.run_id, options) : EXIT.success
}
