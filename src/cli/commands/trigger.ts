import { randomBytes } from 'node:crypto'
import { type Command, Option } from 'commander'
import { WRITE_DISPOSITIONS, type WriteDisposition } from '../../../workflows/contract.ts'
import { type ActionOptions, addActionOptions, reportAndFollow } from '../act-on-run.ts'
import { addConnectionOptions, gatewayOf } from '../connection.ts'
import { CliError, EXIT, type ExitCode } from '../exit-codes.ts'
import type { StartBody } from '../gateway-client.ts'
import { number } from '../number.ts'

interface TriggerOptions extends ActionOptions {
  readonly rawPath?: string
  readonly transformedPath?: string
  readonly failedPath?: string
  readonly runId?: string
  readonly outputTable?: string
  readonly writeDisposition?: WriteDisposition
  readonly maxRejects?: number
  readonly maxRejectShare?: number
  readonly reload?: string
}

const EXAMPLES = `
Examples:
  $ average-speed trigger --url https://pipeline.example.com --iap-client-id 123-abc.apps.googleusercontent.com \\
      --raw-path gs://my-project-raw/exports/raw-2019-03-01T000000/ --wait
  $ average-speed trigger --raw-path exports/raw-2019-03-01T000000   (with GATEWAY_URL and IAP_CLIENT_ID set)

The credentials are those of the Google libraries: GOOGLE_APPLICATION_CREDENTIALS names a service-account or
workload-identity file. The spellings of the script that this replaces (--iapClientId, --raw_path, …) work too.`

/** `average-speed trigger`: starts a run and, if asked, follows it to its end. */
export function triggerCommand(command: Command, done: (code: ExitCode) => void): Command {
  return addActionOptions(addConnectionOptions(command))
    .description('start a run')
    .option(
      '--raw-path <path>',
      'the batch: gs://bucket/folder/raw-<timestamp>/, or relative to the raw bucket',
    )
    .option('--transformed-path <path>', 'where Spark writes; default: transformed-<timestamp>/ beside it')
    .option('--failed-path <path>', 'where a bad batch goes; default: failed-<timestamp>/ beside it')
    .option('--run-id <id>', 'name of the run; sent again, it names the same run; default: a new one')
    .option('--output-table <table>', "project.dataset.table; default: the deployment's")
    .addOption(
      new Option('--write-disposition <how>', 'replace the table, or add to it').choices([
        ...WRITE_DISPOSITIONS,
      ]),
    )
    .option('--max-rejects <count>', 'most records that may be unreadable', number)
    .option('--max-reject-share <share>', 'the same as a share of the records, 0 to 1', number)
    .option('--reload <label>', 'load a batch once more that was loaded before; the label names this reload')
    .addHelpText('after', EXAMPLES)
    .action(async (options: TriggerOptions) => done(await trigger(options)))
}

async function trigger(options: TriggerOptions): Promise<ExitCode> {
  const body = bodyOf(options)
  const gateway = gatewayOf(options)
  const run = await gateway.start(body)
  return reportAndFollow(gateway, run, `Run ${run.run_id} is ${run.status.replace('_', ' ')}`, options)
}

function bodyOf(options: TriggerOptions): StartBody {
  if (options.rawPath === undefined) {
    throw new CliError(EXIT.usage, 'Which batch? Give --raw-path gs://bucket/folder/raw-<timestamp>/.')
  }
  return {
    // With an id of its own the start can be sent again when an answer is lost, without a second run.
    run_id: options.runId ?? `triggered-${new Date().toISOString()}-${randomBytes(4).toString('hex')}`,
    raw_path: options.rawPath,
    ...(options.transformedPath !== undefined && { transformed_path: options.transformedPath }),
    ...(options.failedPath !== undefined && { failed_path: options.failedPath }),
    ...(options.outputTable !== undefined && { output_table: options.outputTable }),
    ...(options.writeDisposition !== undefined && { write_disposition: options.writeDisposition }),
    ...(options.maxRejects !== undefined && { max_rejects: options.maxRejects }),
    ...(options.maxRejectShare !== undefined && { max_reject_share: options.maxRejectShare }),
    ...(options.reload !== undefined && { reload: options.reload }),
  }
}
