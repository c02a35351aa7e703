import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { Connection } from '@temporalio/client'
import { freePort } from '../../../local/support/free-port.ts'
import { stopProcess } from '../../../local/support/processes.ts'
import { tools } from '../../../local/toolchain/tools.ts'
import { until } from '../../support/until.ts'
import type { Postgres } from './postgres.ts'
import { schemaFolder, serverFolder, services } from './tools.ts'

const SCRIPTS = join(import.meta.dirname, '..', '..', '..', 'deploy', 'temporal')

// The ports of the server's four services, by the variables of the configuration that is built into it.
const PORTS = ['FRONTEND', 'MATCHING', 'HISTORY', 'WORKER'].flatMap((service) => [
  `${service}_GRPC_PORT`,
  `${service}_MEMBERSHIP_PORT`,
])

/** A Temporal server on PostgreSQL. */
export interface TemporalServer {
  readonly address: string
  /** Makes the schemas, or brings them up to date, as the service temporal-schema does. @returns what it said */
  readonly schema: () => Promise<string>
  /** Makes namespace and search attributes, as the service temporal-setup does. @returns what it said */
  readonly setUp: () => Promise<string>
  start(): Promise<void>
  /** Ends it by a signal, so that `start` starts another one on the same database. */
  stop(signal: NodeJS.Signals): Promise<void>
  close(): Promise<void>
}

/** Prepares a server with the compose file's settings and scripts; only hosts and ports are others. */
export async function temporalServer(postgres: Postgres): Promise<TemporalServer> {
  const folder = await mkdtemp(join(tmpdir(), 'temporal-server-'))
  await symlink(join(serverFolder, 'sql'), join(folder, 'temporal-sql-tool'))
  const log = join(folder, 'temporal.log')
  const ports: Record<string, string> = { FRONTEND_HTTP_PORT: String(await freePort()) }
  for (const name of PORTS) ports[name] = String(await freePort())
  const address = `127.0.0.1:${ports['FRONTEND_GRPC_PORT']}`
  const database = {
    POSTGRES_SEEDS: '127.0.0.1',
    DB_PORT: String(postgres.port),
    POSTGRES_USER: postgres.user,
    POSTGRES_PWD: postgres.password,
    SQL_PASSWORD: postgres.password,
  }
  const path = `${folder}:${dirname(tools.temporal)}:${process.env['PATH']}`
  const script = async (name: string, env: Readonly<Record<string, string>>): Promise<string> => {
    const { stdout, stderr } = await promisify(execFile)('/bin/sh', [join(SCRIPTS, name)], {
      env: { PATH: path, HOME: folder, ...env },
    })
    return stdout + stderr
  }
  let server: ChildProcess | undefined
  return {
    address,
    schema: () =>
      script('schema.sh', {
        ...services['temporal-schema'].environment,
        ...database,
        TEMPORAL_SCHEMA: schemaFolder(),
      }),
    setUp: () =>
      script('namespace.sh', {
        ...services['temporal-setup'].environment,
        TEMPORAL_ADDRESS: address,
      }),
    async start() {
      const output = openSync(log, 'a')
      server = spawn(join(serverFolder, 'server'), ['start'], {
        // As in its image, which has no file of configuration.
        cwd: folder,
        env: {
          ...services.temporal.environment,
          ...database,
          ...ports,
          BIND_ON_IP: '127.0.0.1',
          DYNAMIC_CONFIG_FILE_PATH: join(
            SCRIPTS,
            basename(services.temporal.environment['DYNAMIC_CONFIG_FILE_PATH'] ?? ''),
          ),
        },
        stdio: ['ignore', output, output],
      })
      closeSync(output)
      const started = server
      await until(
        'the Temporal server answers',
        async () => {
          if (started.exitCode !== null) throw new Error(`The Temporal server ended. Its log is ${log}.`)
          return answers(address)
        },
        90_000,
      )
    },
    async stop(signal) {
      if (server !== undefined) await stopProcess(server, signal)
    },
    async close() {
      if (server !== undefined) await stopProcess(server)
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function answers(address: string): Promise<boolean> {
  try {
    const connection = await Connection.connect({ address, connectTimeout: 1000 })
    await connection.close()
    return true
  } catch {
    return false
  }
}
