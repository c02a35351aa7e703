import { rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import { type LocalCloud, startLocalCloud } from './cloud/local-cloud.ts'
import { parseServices, type ServiceName, WELL_KNOWN_PORTS } from './cloud/services.ts'
import { type CloudEnvironment, dotenv } from './cloud/settings.ts'
import { untilStopped } from './cloud/until-stopped.ts'

const ROOT = join(import.meta.dirname, '..')

interface UpOptions {
  readonly services?: ServiceName[]
  readonly stateDir: string
  readonly envOut?: string
  readonly json?: true
  readonly freePorts?: true
  readonly withParent?: true
  readonly set?: CloudEnvironment
  readonly host: string
}

const command = new Command('npm run local --')
  .description('Brings the local cloud up and keeps it up until Ctrl-C.')
  .option('--services <list>', 'only these, comma-separated; default: all', parseServices)
  .option(
    '--state-dir <folder>',
    'emptied, then holds logs, keys and the database',
    join(ROOT, '.local', 'state'),
  )
  .option('--env-out <file>', 'where the endpoints are written; default: .local/env, or none with --json')
  .option('--free-ports', 'any free ports, not the well-known ones')
  .option('--host <address>', 'address to listen on', '127.0.0.1')
  .option('--set <NAME=VALUE>', 'sets a variable of worker and gateway; may be repeated', addVariable)
  .option('--json', 'print the environment as one line of JSON when ready; implies --with-parent')
  .option('--with-parent', 'also stop when the parent process ends or closes our input')
  .parse()
const options = command.opts<UpOptions>()

try {
  const cloud = await startLocalCloud({
    stateDir: options.stateDir,
    host: options.host,
    wellKnownPorts: !options.freePorts,
    ...(options.services && { services: options.services }),
    ...(options.set && { set: options.set }),
    ...(!options.json && {
      onReady: (service, ms) => console.log(`  ${service} is ready (${(ms / 1000).toFixed(1)} s)`),
    }),
  })
  const envFile = options.envOut ?? (options.json ? undefined : join(ROOT, '.local', 'env'))
  if (envFile !== undefined) writeFileSync(envFile, dotenv(cloud.env), { mode: 0o600 })
  console.log(options.json ? JSON.stringify(cloud.env) : summary(cloud, envFile))
  await untilStopped({ withParent: Boolean(options.json ?? options.withParent) })
  await cloud.close()
  // Others take the file for the sign of a cloud that is up.
  if (envFile !== undefined) rmSync(envFile, { force: true })
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
}

function addVariable(setting: string, before: CloudEnvironment = {}): CloudEnvironment {
  const [, name, value] = /^([A-Za-z_]\w*)=(.*)$/s.exec(setting) ?? []
  if (name === undefined || value === undefined) {
    throw new InvalidArgumentError('Write NAME=VALUE, such as ALLOWED_TABLES=my-project.my_dataset.*')
  }
  return { ...before, [name]: value }
}

function summary({ env, movedPorts }: LocalCloud, envFile: string | undefined): string {
  const links: [string, string | undefined][] = [
    ['Temporal Web UI', env['TEMPORAL_UI_URL']],
    ['Temporal', env['TEMPORAL_ADDRESS']],
    ['Gateway', env['GATEWAY_URL']],
    ['API documentation', env['GATEWAY_URL'] && `${env['GATEWAY_URL']}/docs`],
    ['Cloud Storage', env['STORAGE_API_ENDPOINT']],
    ['Dataproc', env['DATAPROC_API_ENDPOINT']],
    ['BigQuery', env['BIGQUERY_API_ENDPOINT']],
    ['Identity', env['IDENTITY_URL']],
    ['Service account', env['GOOGLE_APPLICATION_CREDENTIALS']],
    ['Environment', envFile && relative(process.cwd(), envFile)],
  ]
  const moved = Object.entries(movedPorts).map(
    ([name, port]) =>
      `  Port ${WELL_KNOWN_PORTS[name as keyof typeof WELL_KNOWN_PORTS]} is taken; ${name} is on ${port}.`,
  )
  const lines = links.flatMap(([name, value]) => (value ? [`  ${name.padEnd(18)} ${value}`] : []))
  return ['', 'The local cloud is up.', '', ...lines, ...moved, '', 'Ctrl-C takes it down.'].join('\n')
}
