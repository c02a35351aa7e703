import { spawn } from 'node:child_process'
import { mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { startStorage } from '../storage/storage.ts'
import { tools } from '../toolchain/tools.ts'
import { archiveFolder, baseArchive, QUIET, sparkArchive } from './class-archive.ts'
import { ServiceStorage } from './service-storage.ts'
import { driverEnvironment, prepareDriverFolder } from './spark-environment.ts'

const SCRIPT = join(import.meta.dirname, '..', '..', 'spark', 'spark_avg_speed.py')
const BUCKET = 'gs://training'
const LINES = [
  '{"vendor_id":"2","pickup_datetime":"2019-03-23 21:00:01 UTC","dropoff_datetime":"2019-03-23 21:07:28 UTC","trip_distance":2.3,"passenger_count":"1"}',
  // A reject, so that what deals with rejects is in the archive too.
  '{"trip_distance":"far"}',
]

// Set-up runs this when there is no archive, or an old one.
const storage = await startStorage({})
try {
  const files = new ServiceStorage(storage.endpoint)
  await files.write('training', `${BUCKET}/raw-1/trips.json`, LINES.join('\n'))
  await makeClassArchive(storage.endpoint, SCRIPT, [
    `--gcs_path_raw=${BUCKET}/raw-1/`,
    `--gcs_path_transformed=${BUCKET}/transformed-1/`,
    `--gcs_path_rejected=${BUCKET}/rejected-1/`,
  ])
} finally {
  await storage.close()
}

/**
 * Makes the archive: a base one of the JRE's classes, because this JRE comes without, and one of what the pipeline's script
 * loads when it runs (https://docs.oracle.com/en/java/javase/17/vm/class-data-sharing.html). Takes half a minute.
 * @param storageEndpoint base URL of a Cloud Storage stand-in
 * @param script path of the Spark script
 * @param args its arguments; the files that they name must be there
 * @throws Error with the output of the program that failed
 */
async function makeClassArchive(storageEndpoint: string, script: string, args: string[]): Promise<void> {
  rmSync(archiveFolder, { recursive: true, force: true })
  mkdirSync(archiveFolder, { recursive: true })
  await run(
    join(tools.javaHome, 'bin', 'java'),
    ['-Xshare:dump', '-XX:+UseSerialGC', `-XX:SharedArchiveFile=${baseArchive}`],
    {},
  )
  const training = join(archiveFolder, 'training')
  const driver = prepareDriverFolder(training, { project: 'training', resource: {} }, tools, storageEndpoint)
  // Under another name until it is whole: whoever finds the archive uses it.
  const unfinished = `${sparkArchive}.new`
  await run(
    join(tools.sparkHome, 'bin', 'spark-submit'),
    ['--master', 'local[2]', '--properties-file', driver.properties, script, ...args],
    driverEnvironment(
      driver,
      tools,
      `-XX:SharedArchiveFile="${baseArchive}" -XX:ArchiveClassesAtExit="${unfinished}" ${QUIET}`,
    ),
  )
  renameSync(unfinished, sparkArchive)
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
