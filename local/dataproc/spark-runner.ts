import { spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { failureMessage } from './job-details.ts'
import type { JobContext, JobOutcome, JobRun, JobRunner } from './job-runner.ts'
import { dieWithUs, signalGroup } from './process-groups.ts'
import { sparkSubmitArguments } from './spark-arguments.ts'
import { driverEnvironment, prepareDriverFolder, type SparkTools } from './spark-environment.ts'

/** What real Spark needs. */
export interface SparkRunnerOptions {
  readonly tools: SparkTools
  /** Base URL of Cloud Storage for the connector. */
  readonly storageEndpoint: string
  /** Folder for the drivers' working folders; each is removed when its driver has ended. */
  readonly workDir: string
}

/** Characters of output that are searched for the failure's name; Spark prints whole plans after it. */
const OUTPUT_KEPT = 1 << 18

/** A driver that was told to end gets this long before it is killed outright. */
const GRACE_MS = 2000

/** Runs jobs by the real spark-submit, one process group each. */
export function sparkRunner(options: SparkRunnerOptions): JobRunner {
  return (context) => {
    const folder = join(options.workDir, context.job.jobUuid ?? 'job')
    const driver = prepareDriverFolder(folder, context.cluster, options.tools, options.storageEndpoint)
    const child = spawn(
      join(options.tools.sparkHome, 'bin', 'spark-submit'),
      sparkSubmitArguments(context.job, driver.properties),
      {
        cwd: driver.work,
        env: driverEnvironment(driver, options.tools),
        // A group of its own, so that a kill reaches the JVM and every Python process behind it.
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    )
    dieWithUs(child)
    return watch(child, context, folder)
  }
}

function watch(child: ReturnType<typeof spawn>, context: JobContext, folder: string): JobRun {
  let tail = ''
  let killer: NodeJS.Timeout | undefined
  const take = (chunk: Buffer) => {
    context.write(chunk)
    tail = (tail + chunk.toString()).slice(-OUTPUT_KEPT)
  }
  child.stdout?.on('data', take)
  child.stderr?.on('data', take)
  const outcome = new Promise<JobOutcome>((resolve) => {
    child.once('error', (error) => resolve({ succeeded: false, message: error.message }))
    child.once('close', (code, signal) => {
      clearTimeout(killer)
      // The leader is gone; whatever it left in its group must not run on.
      signalGroup(child, 'SIGKILL')
      rmSync(folder, { recursive: true, force: true })
      resolve(code === 0 ? { succeeded: true } : { succeeded: false, message: reasonOf(code, signal, tail) })
    })
  })
  return {
    outcome,
    kill() {
      signalGroup(child, 'SIGTERM')
      killer = setTimeout(() => signalGroup(child, 'SIGKILL'), GRACE_MS)
      killer.unref()
    },
  }
}

/** A killed driver's exit code is 128 and the signal's number, and Dataproc's sentence says so (seen in cdapio/cdap 15658). */
function reasonOf(code: number | null, signal: NodeJS.Signals | null, output: string): string {
  if (signal !== null || code === 143 || code === 137) {
    return `Driver received SIGTERM/SIGKILL signal and exited with ${code ?? 137} code, which potentially signifies a memory pressure.`
  }
  return failureMessage(output)
}
