import { EXIT, type ExitCode } from './exit-codes.ts'
import { follow } from './follow.ts'
import type { Gateway } from './gateway-client.ts'
import { printMessage } from './output.ts'
import { viewFor } from './view/views.ts'

/** How a run is shown while it goes on. */
export interface WatchOptions {
  readonly json?: boolean
  /** Minutes. */
  readonly timeout?: number
}

/** Exit status of a process that Ctrl-C ended, as shells expect it. */
const INTERRUPTED = 130

/** Follows a run to its end, shows it, and says how it ended by the exit status. Ctrl-C leaves the run alone. */
export async function watchRun(gateway: Gateway, runId: string, options: WatchOptions): Promise<ExitCode> {
  process.once('SIGINT', () => {
    printMessage('')
    printMessage(`The run goes on. Look again with: average-speed watch ${runId}`)
    process.exit(INTERRUPTED)
  })
  const view = viewFor(process.stdout, options.json === true)
  let status = 'running'
  const timeoutMs = options.timeout === undefined ? undefined : options.timeout * 60_000
  for await (const run of follow(gateway, runId, timeoutMs === undefined ? {} : { timeoutMs })) {
    view.show(run)
    status = run.status
  }
  return status === 'succeeded' ? EXIT.success : EXIT.runFailed
}
