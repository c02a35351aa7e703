import type { Command } from 'commander'
import type { Finding } from '../../doctor/finding.ts'
import { oneLine } from '../../printable.ts'
import { addConnectionOptions, type ConnectionOptions, gatewayOf } from '../connection.ts'
import { CliError, EXIT, type ExitCode } from '../exit-codes.ts'
import { addOperatorOptions, loadSettingsFile, type OperatorOptions } from '../operator.ts'
import { print, printJson } from '../output.ts'

interface DoctorOptions extends OperatorOptions, ConnectionOptions {}

/** `average-speed doctor`: looks at a deployment, changes nothing, and says of each fault how to mend it. */
export function doctorCommand(command: Command, done: (code: ExitCode) => void): Command {
  return addOperatorOptions(addConnectionOptions(command))
    .description(
      'look for what a deployment lacks, and say how to mend it; exit status 1 if it lacks something',
    )
    .action(async (options: DoctorOptions) => done(await doctor(options)))
}

async function doctor(options: DoctorOptions): Promise<ExitCode> {
  await loadSettingsFile(options)
  const { examineDeployment } = await import('../../doctor/doctor.ts')
  const url = options.url ?? process.env['GATEWAY_URL']
  const iapClientId = options.iapClientId ?? process.env['IAP_CLIENT_ID']
  const findings = await examineDeployment({
    tell: (finding) => {
      if (!options.json) tell(finding)
    },
    ...(url && { askGateway: () => askGateway({ url, ...(iapClientId && { iapClientId }) }) }),
  })
  const faults = findings.filter(({ state }) => state === 'fault').length
  if (options.json) printJson(findings, 2)
  else for (const line of ['', summaryOf(faults)]) print(line)
  return faults === 0 ? EXIT.success : EXIT.runFailed
}

function summaryOf(faults: number): string {
  if (faults === 0) return 'Nothing is missing.'
  return `${faults} ${faults === 1 ? 'fault' : 'faults'}. What mends each is below it.`
}

function tell({ state, says, remedy }: Finding): void {
  // Further lines of a text from outside could look like remedies of ours.
  print(`${state.padEnd('skipped'.length)}  ${oneLine(says)}`)
  if (remedy !== undefined) print(`         -> ${remedy}`)
}

async function askGateway(options: ConnectionOptions): Promise<Finding> {
  try {
    await gatewayOf(options).list({ limit: '1' } as never)
    return { state: 'ok', says: `the gateway at ${options.url} lists runs for this caller` }
  } catch (error) {
    if (!(error instanceof CliError)) throw error
    return { state: 'fault', says: error.message, remedy: error.remedy ?? remedyFor(error) }
  }
}

function remedyFor({ exitCode }: CliError): string {
  if (exitCode === EXIT.notAllowed) {
    return "Add this caller to the gateway's ALLOWED_CALLERS, and set IAP_CLIENT_ID to the audience that the gateway expects."
  }
  if (exitCode === EXIT.unreachable)
    return 'node src/gateway/main.ts (or docker compose up -d gateway), or correct GATEWAY_URL.'
  return 'Set GATEWAY_URL and IAP_CLIENT_ID as triggers do.'
}
