import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { tools } from '../toolchain/tools.ts'
import { driverEnvironment, prepareDriverFolder } from './spark-environment.ts'

const folder = join(import.meta.dirname, '..', '..', '.local', 'class-archive')
const base = join(folder, 'base.jsa')
const spark = join(folder, 'spark.jsa')

// A mismatch only means that classes are loaded the slow way; the JVM's warning about it would end up in the job's output.
const QUIET = '-Xlog:disable'

/**
 * JVM options that load Spark's classes ready-made out of an archive, which takes a third off a small job's time. Empty
 * when no archive has been made; one that does not fit is ignored by the JVM.
 */
export function classArchiveOptions(): string {
  return existsSync(spark) ? `-Xshare:auto -XX:SharedArchiveFile="${base}:${spark}" ${QUIET}` : ''
}

/** The same for a JVM that loads other classes than a driver's. */
export function baseArchiveOptions(): string {
  return existsSync(base) ? `-Xshare:auto -XX:SharedArchiveFile="${base}" ${QUIET}` : ''
}

/**
 * Makes the archive: a base one of the JRE's classes, because this JRE comes without, and one of what the pipeline's script
 * loads when it runs (https://docs.oracle.com/en/java/javase/17/vm/class-data-sharing.html). Takes half a minute.
 * @param storageEndpoint base URL of a Cloud Storage stand-in
 * @param script path of the Spark script
 * @param args its arguments; the files that they name must be there
 * @throws Error with the output of the program that failed
 */
export async function makeClassArchive(
  storageEndpoint: string,
  script: string,
  args: string[],
): Promise<void> {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  await run(
    join(tools.javaHome, 'bin', 'java'),
    ['-Xshare:dump', '-XX:+UseSerialGC', `-XX:SharedArchiveFile=${base}`],
    {},
  )
  const training = join(folder, 'training')
  const driver = prepareDriverFolder(training, { project: 'training', resource: {} }, tools, storageEndpoint)
  // Under another name until it is whole: whoever finds the archive uses it.
  const unfinished = `${spark}.new`
  await run(
    join(tools.sparkHome, 'bin', 'spark-submit'),
    ['--master', 'local[2]', '--properties-file', driver.properties, script, ...args],
    driverEnvironment(
      driver,
      tools,
      `-XX:SharedArchiveFile="${base}" -XX:ArchiveClassesAtExit="${unfinished}" ${QUIET}`,
    ),
  )
  renameSync(unfinished, spark)
  rmSync(training, { recursive: true, force: true })
}

function run(program: string, args: string[], env: NodeJS.ProcessEnv): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
    const output: string[] = []
    child.stdout.on('data', (text) => output.push(String(text)))
    child.stderr.on('data', (text) => output.push(String(text)))
    child.once('error', reject)
    child.once('close', (code) => {
      if (code === 0) resolve()
      else reject(new Error(`${program} ended with ${code}:\n${output.join('').slice(-4000)}`))
    })
  })
}
