import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { startLocalCloud } from '../cloud/local-cloud.ts'
import { type CloudEnvironment, dotenv } from '../cloud/settings.ts'

const LOCAL_FOLDER = join(import.meta.dirname, '..', '..', '.local')
const ENV_FILE = join(LOCAL_FOLDER, 'env')

/** A cloud for one demo. */
export interface DemoCloud {
  readonly env: CloudEnvironment
  /** Takes it down, if the demo brought it up. */
  close(): Promise<void>
}

/**
 * Uses the local cloud that is up, if there is one, and brings one up otherwise.
 * @param options.own a cloud of the demo's own, on free ports and in a temporary folder, so that any number of demos can
 *   run side by side; otherwise one like that of `npm run local`, where others find it
 */
export async function openCloud(options: { own: boolean; say: (line: string) => void }): Promise<DemoCloud> {
  const running = await runningCloud()
  if (running !== undefined) {
    options.say(`  the one that is up is used: ${running['GATEWAY_URL']}`)
    return { env: running, close: async () => undefined }
  }
  const folder = options.own ? mkdtempSync(join(tmpdir(), 'average-speed-demo-')) : LOCAL_FOLDER
  const cloud = await startLocalCloud({
    stateDir: join(folder, 'state'),
    wellKnownPorts: !options.own,
    onReady: (service, ms) => options.say(`  ${service.padEnd(10)} ${(ms / 1000).toFixed(1).padStart(5)} s`),
  })
  if (!options.own) writeFileSync(ENV_FILE, dotenv(cloud.env), { mode: 0o600 })
  return {
    env: cloud.env,
    async close() {
      await cloud.close()
      rmSync(options.own ? folder : ENV_FILE, { recursive: true, force: true })
    },
  }
}

/** The environment of a cloud that `npm run local` keeps up; nothing when its gateway does not answer. */
async function runningCloud(): Promise<CloudEnvironment | undefined> {
  if (!existsSync(ENV_FILE)) return undefined
  const env = parseEnv(readFileSync(ENV_FILE, 'utf8')) as CloudEnvironment
  try {
    const ready = await fetch(`${env['GATEWAY_URL']}/readyz`, { signal: AbortSignal.timeout(2000) })
    return ready.ok ? env : undefined
  } catch {
    return undefined
  }
}
