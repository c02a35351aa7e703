import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const ROOT = join(import.meta.dirname, '..', '..')
const NODE = join(ROOT, 'node_modules', '.bin', 'node')

/** Tests give each batch a table of its own in the cloud's dataset. */
const DEFAULTS = { ALLOWED_TABLES: 'local-project.ComposerDemo.*' }

/** A local cloud of a test's own, in a process of its own. */
export interface TestCloud {
  /** Endpoints and names, by the variables that production reads. */
  readonly env: Readonly<Record<string, string>>
  /** The variable's value. @throws Error when the service that sets it was not asked for. */
  get(name: string): string
  /** Logs, keys and the database. */
  readonly stateDir: string
  close(): Promise<void>
}

/**
 * Brings up some services on free ports. Only black boxes: the test sees what any client sees.
 * @param options.services such as `['storage', 'dataproc']`; `gateway` and `worker` need the others.
 * @param options.set variables of worker and gateway, also of those that a test starts with this cloud's environment
 * @throws Error with what the cloud said when it does not come up.
 */
export async function startCloud(options: {
  readonly services: readonly string[]
  readonly set?: Readonly<Record<string, string>>
}): Promise<TestCloud> {
  const folder = await mkdtemp(join(tmpdir(), 'local-cloud-'))
  const stateDir = join(folder, 'state')
  const args = ['--json', '--free-ports', '--services', options.services.join(','), '--state-dir', stateDir]
  for (const [name, value] of Object.entries({ ...DEFAULTS, ...options.set })) {
    args.push('--set', `${name}=${value}`)
  }
  const cloud = spawn(NODE, [join(ROOT, 'local', 'up.ts'), ...args], { stdio: ['pipe', 'pipe', 'pipe'] })
  const exited = once(cloud, 'exit')
  const complaints: string[] = []
  cloud.stderr.on('data', (text) => complaints.push(String(text)))
  const line = await Promise.race([
    once(createInterface({ input: cloud.stdout }), 'line').then(([text]) => String(text)),
    exited.then(() => undefined),
  ])
  if (line === undefined) {
    if (!(await hasLogs(stateDir))) await rm(folder, { recursive: true, force: true })
    throw new Error(`The local cloud did not come up: ${complaints.join('')}`)
  }
  const env: Record<string, string> = JSON.parse(line)
  return {
    env,
    stateDir,
    get(name) {
      const value = env[name]
      if (value === undefined) throw new Error(`${name} is not set: its service was not asked for.`)
      return value
    },
    async close() {
      cloud.kill('SIGTERM')
      await exited
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** A failed start is kept for a look only if there is something to look at. */
async function hasLogs(stateDir: string): Promise<boolean> {
  const names = await readdir(stateDir).catch(() => [])
  return names.some((name) => name.endsWith('.log'))
}
