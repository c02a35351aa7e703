import { type Command, InvalidArgumentError } from 'commander'
import type { ExportProgress } from '../../setup/export-batch.ts'
import { CliError, EXIT, type ExitCode } from '../exit-codes.ts'
import { addOperatorOptions, type OperatorOptions, settingsOf } from '../operator.ts'
import { print, printJson, printMessage } from '../output.ts'

interface ExportOptions extends OperatorOptions {
  readonly table: string
  readonly to?: string
}

const EXAMPLES = `
Examples:
  $ average-speed export                                            the public table, to the first of BATCH_FOLDERS
  $ average-speed export --table my-project.trips.march --to exports
  $ average-speed trigger --raw-path "$(average-speed export --table my-project.trips.march)" --wait

The raw path is all that it writes to its output; what goes on is told beside it.`

/** `average-speed export`: makes a raw batch of a BigQuery table. */
export function exportCommand(command: Command, done: (code: ExitCode) => void): Command {
  return addOperatorOptions(command)
    .description('extract a BigQuery table to a fresh raw folder, and print its path')
    .option('--table <table>', 'project.dataset.table', tableName, 'nyc-tlc.yellow.trips')
    .option(
      '--to <folder>',
      'folder for the batch, gs://bucket/folder/ or in the raw bucket; default: the first of BATCH_FOLDERS',
    )
    .addHelpText('after', EXAMPLES)
    .action(async (options: ExportOptions) => done(await run(options)))
}

async function run(options: ExportOptions): Promise<ExitCode> {
  const config = await settingsOf(options, ({ loadSetupConfig }) => loadSetupConfig())
  const { createBigQuery } = await import('../../clients.ts')
  const { exportBatch } = await import('../../setup/export-batch.ts')
  const { newRawPath } = await import('../../setup/new-raw-path.ts')
  const { explainer } = await import('../../setup/explain.ts')
  const { project } = config.google
  const found = newRawPath('--to', options.to ?? config.batchFolders[0] ?? '', config.pipeline.paths)
  if ('fault' in found) throw new CliError(EXIT.usage, found.fault)
  const { rawPath } = found
  const tell = progressTeller()
  try {
    const { files, jobId, tableBytes } = await exportBatch(createBigQuery(config.google), {
      table: options.table,
      rawPath,
      tell,
    })
    printMessage(`${files} ${files === 1 ? 'file' : 'files'} of ${options.table}`)
    const json = { raw_path: rawPath, files, table: options.table, table_bytes: tableBytes, job_id: jobId }
    if (options.json) printJson(json)
    else print(rawPath)
    return EXIT.success
  } catch (error) {
    const explain = explainer({ project, temporalAddress: config.temporal.address })
    const { finding, remedy } = explain(error, `export ${options.table} to ${rawPath}`, 'bigquery')
    throw new CliError(EXIT.runFailed, finding, { remedy })
  }
}

/** Tells of a change of state at once, and otherwise every ten seconds. */
function progressTeller(): (progress: ExportProgress) => void {
  let told: ExportProgress | undefined
  return (progress) => {
    if (told?.state === progress.state && progress.seconds - told.seconds < 10) return
    told = progress
    printMessage(`exporting: ${progress.state.toLowerCase()}, ${progress.seconds} s`)
  }
}

function tableName(text: string): string {
  if (!/^[^.:`]+[.:][^.:`]+\.[^.:`]+$/.test(text)) {
    throw new InvalidArgumentError('It must be project.dataset.table.')
  }
  return text.replace(':', '.')
}
