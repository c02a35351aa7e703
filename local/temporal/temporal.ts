import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Connection } from '@temporalio/client'
import { msToTs } from '@temporalio/common/lib/time.js'
import type { FastifyInstance } from 'fastify'
import { type Static, Type } from 'typebox'
import { CallCounts } from '../control/call-counts.ts'
import { startControlServer } from '../control/control-server.ts'
import { FaultTable } from '../control/faults.ts'
import { freePort } from '../support/free-port.ts'
import { stopProcess } from '../support/processes.ts'
import { tools } from '../toolchain/tools.ts'

/** How to run the development server. */
export interface TemporalOptions {
  /** An existing folder; keeps `temporal.db` and `temporal.log`. */
  readonly stateDir: string
  /** Default 127.0.0.1. */
  readonly host?: string
  /** Default: any free port. */
  readonly port?: number
  /** Default: any free port. */
  readonly uiPort?: number
  /** Default `default`. */
  readonly namespace?: string
  /** Types by name, such as `{ RawPath: 'Keyword' }`. */
  readonly searchAttributes?: Readonly<Record<string, string>>
}

/** A running development server. */
export interface Temporal {
  /** `host:port` of the frontend. */
  readonly address: string
  readonly uiUrl: string
  /** `POST /restart {kill?: boolean}` stops the server, hard if asked, and starts it again on the same ports and file. */
  readonly controlUrl: string
  /** The same for a caller in this process. */
  restart(how?: { readonly kill?: boolean | undefined }): Promise<void>
  close(): Promise<void>
}

const RestartBody = Type.Object({ kill: Type.Optional(Type.Boolean()) }, { additionalProperties: false })

// The server writes at every step of a run, and by default waits for the disk each time, which is a third of a run's time. With a
// log ahead of the file (https://www.sqlite.org/wal.html) nothing is lost when a process dies, only when the machine does.
const WRITES = ['--sqlite-pragma', 'journal_mode=wal', '--sqlite-pragma', 'synchronous=normal']

const START_DEADLINE_MS = 30_000

// The server picks ports of its own for its inner services; on a busy machine another program may be faster.
const START_TRIES = 3

/**
 * Starts Temporal's development server with its Web UI on a SQLite file, and waits until it answers over gRPC.
 * @throws Error that names the log when it does not answer in 30 seconds.
 */
export async function startTemporal(options: TemporalOptions): Promise<Temporal> {
  const host = options.host ?? '127.0.0.1'
  const port = options.port || (await freePort(host))
  const uiPort = options.uiPort || (await freePort(host))
  const address = `${host === '0.0.0.0' ? '127.0.0.1' : host}:${port}`
  const namespace = options.namespace ?? 'default'
  const log = join(options.stateDir, 'temporal.log')
  const args = [
    'server',
    'start-dev',
    ...['--ip', host, '--port', String(port), '--ui-port', String(uiPort)],
    ...['--db-filename', join(options.stateDir, 'temporal.db'), ...WRITES],
    ...['--namespace', namespace, '--log-level', 'error'],
    ...Object.entries(options.searchAttributes ?? {}).flatMap(([name, type]) => [
      '--search-attribute',
      `${name}=${type}`,
    ]),
  ]
  let server = await start(args, log, address, namespace)
  await keepClosedRuns(address, namespace)
  const restart: Temporal['restart'] = async ({ kill } = {}) => {
    await stopProcess(server, kill ? 'SIGKILL' : 'SIGTERM')
    server = await start(args, log, address, namespace)
  }
  const routes = (app: FastifyInstance): void => {
    app.post<{ Body: Static<typeof RestartBody> }>(
      '/restart',
      { schema: { body: RestartBody } },
      async (request, reply) => {
        await restart(request.body)
        return reply.code(204).send()
      },
    )
  }
  const control = await startControlServer({
    faults: new FaultTable(),
    calls: new CallCounts(),
    host,
    routes,
  })
  return {
    address,
    uiUrl: `http://${host === '0.0.0.0' ? '127.0.0.1' : host}:${uiPort}`,
    controlUrl: control.url,
    restart,
    async close() {
      await Promise.all([stopProcess(server), control.close()])
    },
  }
}

/** The development server forgets closed runs after a day, and has no option for it. */
async function keepClosedRuns(address: string, namespace: string): Promise<void> {
  const connection = await Connection.connect({ address })
  try {
    const config = { workflowExecutionRetentionTtl: msToTs('30 days') }
    await connection.workflowService.updateNamespace({ namespace, config })
  } finally {
    await connection.close()
  }
}

async function start(args: string[], log: string, address: string, namespace: string): Promise<ChildProcess> {
  for (let tries = 1; ; tries++) {
    try {
      return await startOnce(args, log, address, namespace)
    } catch (error) {
      if (tries === START_TRIES) {
        throw new Error(`Temporal's development server did not start. Its log is ${log}.`, { cause: error })
      }
    }
  }
}

async function startOnce(
  args: string[],
  log: string,
  address: string,
  namespace: string,
): Promise<ChildProcess> {
  const output = openSync(log, 'a')
  const server = spawn(tools.temporal, args, {
    stdio: ['ignore', output, output],
    // A process group of its own: Ctrl-C at the terminal must reach it through us, after the worker has ended.
    detached: true,
  })
  closeSync(output)
  try {
    await untilReady(server, address, namespace)
  } catch (error) {
    await stopProcess(server, 'SIGKILL')
    throw error
  }
  return server
}

/** Asks until the namespace is there; the server listens some time before it is. */
async function untilReady(server: ChildProcess, address: string, namespace: string): Promise<void> {
  const deadline = Date.now() + START_DEADLINE_MS
  for (;;) {
    if (server.exitCode !== null) throw new Error(`It ended with status ${server.exitCode}.`)
    try {
      const connection = await Connection.connect({ address, connectTimeout: 1000 })
      try {
        await connection.workflowService.describeNamespace({ namespace })
        return
      } finally {
        await connection.close()
      }
    } catch (error) {
      if (Date.now() > deadline) throw error
      await sleep(50)
    }
  }
}
