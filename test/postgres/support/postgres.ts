import { execFile, spawn, spawnSync } from 'node:child_process'
import { chmod, chown, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePort } from '../../../local/support/free-port.ts'
import { stopProcess } from '../../../local/support/processes.ts'
import { until } from '../../support/until.ts'
import { postgresBin } from './tools.ts'

/** A PostgreSQL server of a test's own. */
export interface Postgres {
  readonly port: number
  readonly user: string
  readonly password: string
  close(): Promise<void>
}

/** Starts PostgreSQL on an empty folder. It refuses to run as root, so for root it runs as its package's user. */
export async function startPostgres(): Promise<Postgres> {
  const bin = postgresBin()
  if (bin === undefined) throw new Error('PostgreSQL is not installed.')
  const as = process.getuid?.() === 0 ? { uid: idOf('-u'), gid: idOf('-g') } : {}
  const folder = await mkdtemp(join(tmpdir(), 'postgres-'))
  await chmod(folder, 0o700)
  if (as.uid !== undefined) await chown(folder, as.uid, as.gid)
  const data = join(folder, 'data')
  const port = await freePort()
  const options = { cwd: folder, ...as }
  // The same name as in the compose file; who may connect is a matter of the port here, not of a password.
  const user = 'temporal'
  await promisify(execFile)(join(bin, 'initdb'), ['-D', data, '-U', user, '--auth=trust'], options)
  const listen = ['-c', 'listen_addresses=127.0.0.1', '-p', String(port), '-k', folder]
  const server = spawn(join(bin, 'postgres'), ['-D', data, ...listen], { ...options, stdio: 'ignore' })
  const isReady = async (): Promise<boolean> =>
    spawnSync(join(bin, 'pg_isready'), ['-q', '-h', '127.0.0.1', '-p', String(port)]).status === 0
  await until('PostgreSQL answers', isReady)
  return {
    port,
    user,
    password: 'temporal',
    async close() {
      // The fast shutdown: connections of a Temporal server that was killed must not hold it up.
      await stopProcess(server, 'SIGINT')
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function idOf(which: '-u' | '-g'): number {
  const { stdout, status } = spawnSync('id', [which, 'postgres'], { encoding: 'utf8' })
  if (status !== 0) throw new Error('PostgreSQL does not run as root, and there is no user postgres.')
  return Number(stdout)
}
