import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { TestCloud } from './local-cloud.ts'

const TRIGGER = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts')
const NODE = join(import.meta.dirname, '..', '..', 'node_modules', '.bin', 'node')

/** How a command of the CLI ended. */
export interface CommandOutcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs `average-speed` as an on-prem job does: a process of its own with a service-account file. */
export async function averageSpeed(cloud: TestCloud, ...args: readonly string[]): Promise<CommandOutcome> {
  const child = spawn(NODE, [TRIGGER, ...args], {
    env: {
      PATH: process.env['PATH'],
      GATEWAY_URL: cloud.get('GATEWAY_URL'),
      IAP_CLIENT_ID: cloud.get('IAP_CLIENT_ID'),
      GOOGLE_APPLICATION_CREDENTIALS: cloud.get('GOOGLE_APPLICATION_CREDENTIALS'),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const outcome = { stdout: '', stderr: '' }
  child.stdout.on('data', (text) => {
    outcome.stdout += String(text)
  })
  child.stderr.on('data', (text) => {
    outcome.stderr += String(text)
  })
  const [code] = await once(child, 'close')
  return { code: typeof code === 'number' ? code : -1, ...outcome }
}
