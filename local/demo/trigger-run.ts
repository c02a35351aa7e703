import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

const TRIGGER = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts')

/**
 * Runs the trigger as an on-prem job does: a process of its own that knows the gateway's URL, the audience and a
 * service-account file. It shows the run's steps while it waits.
 * @returns its exit status
 */
export async function triggerRun(
  env: Readonly<Record<string, string>>,
  run: { readonly runId: string; readonly rawPath: string; readonly quiet: boolean },
): Promise<number> {
  const args = ['trigger', '--run-id', run.runId, '--raw-path', run.rawPath, '--wait']
  const trigger = spawn(process.execPath, [TRIGGER, ...args], {
    env: {
      ...process.env,
      GATEWAY_URL: env['GATEWAY_URL'],
      IAP_CLIENT_ID: env['IAP_CLIENT_ID'],
      GOOGLE_APPLICATION_CREDENTIALS: env['GOOGLE_APPLICATION_CREDENTIALS'],
    },
    stdio: ['ignore', run.quiet ? 'ignore' : 'inherit', 'inherit'],
  })
  const [code] = await once(trigger, 'exit')
  return typeof code === 'number' ? code : 1
}
