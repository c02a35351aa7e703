import type { StandInClock } from '../control/clock.ts'
import type { JobContext, JobOutcome, JobRunner } from './job-runner.ts'
import type { JobStorage } from './job-storage.ts'
import type { Settings } from './settings.ts'
import { scriptPaths } from './stub-arguments.ts'
import { runStubScript } from './stub-script.ts'

/** What a stub driver needs. */
export interface StubRunnerParts {
  readonly storage: JobStorage
  readonly clock: StandInClock
  readonly settings: Settings
}

/**
 * A driver without Spark: after `jobMs` of the stand-in's clock it writes what the pipeline's script would have written, all
 * at once, and succeeds or fails as the script would. Any other script succeeds and writes nothing. For tests of hundreds
 * of runs.
 */
export function stubRunner({ storage, clock, settings }: StubRunnerParts): JobRunner {
  return (context) => {
    let kill = () => {}
    const outcome = new Promise<JobOutcome>((resolve) => {
      const stop = clock.after(settings.jobMs, () => {
        kill = () => {}
        void runScript(storage, context).then(resolve)
      })
      kill = () => {
        stop()
        resolve({ succeeded: false, message: '' })
      }
    })
    return { outcome, kill: () => kill() }
  }
}

async function runScript(storage: JobStorage, context: JobContext): Promise<JobOutcome> {
  const paths = scriptPaths(context.job.pysparkJob?.args ?? [])
  if (paths === undefined) return { succeeded: true }
  try {
    const end = await runStubScript(storage, paths)
    if (!end.succeeded) context.write(`${end.message}\n`)
    return end
  } catch (error) {
    context.write(`${String(error)}\n`)
    return { succeeded: false, message: String(error) }
  }
}
