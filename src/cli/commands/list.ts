import { type Command, Option } from 'commander'
import { RUN_STATUSES, type RunSummaryJson } from '../../gateway/schemas/run.ts'
import { addConnectionOptions, type ConnectionOptions, gatewayOf } from '../connection.ts'
import { EXIT, type ExitCode } from '../exit-codes.ts'
import type { ListQuery } from '../gateway-client.ts'
import { number } from '../number.ts'
import { print, printJson } from '../output.ts'
import { listLines } from '../view/list-text.ts'

interface ListOptions extends ConnectionOptions {
  readonly status?: string
  readonly startedBy?: string
  readonly rawPath?: string
  readonly startedAfter?: string
  readonly startedBefore?: string
  readonly limit: number
  readonly json?: boolean
}

/** Most runs that the gateway gives at once. */
const PAGE = 100

/** `average-speed list`: shows runs, those that go on first. */
export function listCommand(command: Command, done: (code: ExitCode) => void): Command {
  return addConnectionOptions(command)
    .description('list runs, those that go on first')
    .addOption(new Option('--status <status>', 'only those in this state').choices([...RUN_STATUSES]))
    .option('--started-by <e-mail>', 'only those that this caller asked for')
    .option('--raw-path <path>', 'only those of this batch')
    .option('--started-after <time>', 'only those begun at or after, such as 2019-03-01T00:00:00Z')
    .option('--started-before <time>', 'only those begun before')
    .option('--limit <count>', 'show at most so many', number, 20)
    .option('--json', 'print one run as JSON a line')
    .action(async (options: ListOptions) => done(await list(options)))
}

async function list(options: ListOptions): Promise<ExitCode> {
  const runs = await read(options)
  if (options.json) for (const run of runs) printJson(run)
  else for (const line of listLines(runs, new Date())) print(line)
  return EXIT.success
}

async function read(options: ListOptions): Promise<readonly RunSummaryJson[]> {
  const gateway = gatewayOf(options)
  const runs: RunSummaryJson[] = []
  let cursor: string | undefined
  do {
    const page = await gateway.list(queryOf(options, options.limit - runs.length, cursor))
    runs.push(...page.runs)
    cursor = page.next_cursor
  } while (cursor !== undefined && runs.length < options.limit)
  return runs
}

function queryOf(options: ListOptions, wanted: number, cursor: string | undefined): ListQuery {
  return {
    status: options.status,
    started_by: options.startedBy,
    raw_path: options.rawPath,
    started_after: options.startedAfter,
    started_before: options.startedBefore,
    limit: String(Math.max(1, Math.min(Math.floor(wanted), PAGE))),
    cursor,
  }
}
