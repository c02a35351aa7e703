import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { baseArchiveOptions, classArchiveOptions } from './class-archive.ts'
import type { ClusterRecord } from './cluster-record.ts'

/** The tools that a Spark driver runs with, as absolute paths. */
export interface SparkTools {
  readonly python: string
  readonly sparkHome: string
  readonly javaHome: string
  /** The shaded Cloud Storage connector for Hadoop. */
  readonly gcsConnector: string
}

/** Where a driver's files are, all in one folder of its own. */
export interface DriverFolder {
  readonly root: string
  /** The driver's working directory. */
  readonly work: string
  /** For `--properties-file`. */
  readonly properties: string
}

const LOG4J = `rootLogger.level = warn
rootLogger.appenderRef.stderr.ref = stderr
appender.stderr.type = Console
appender.stderr.name = stderr
appender.stderr.target = SYSTEM_ERR
appender.stderr.layout.type = PatternLayout
# Known and of no use to the reader of a small job's output.
logger.native.name = org.apache.hadoop.util.NativeCodeLoader
logger.native.level = error
logger.credentials.name = com.google.cloud.hadoop.repackaged.gcs.com.google.cloud.hadoop.util.CredentialFactory
logger.credentials.level = error
appender.stderr.layout.pattern = %d{yy/MM/dd HH:mm:ss} %p %c{1}: %m%n%ex
`

/**
 * Makes a driver's folder, with the properties that an image and the cluster's creator would have put into
 * `spark-defaults.conf`. They are handed over as a file and not as a configuration folder, because the folder would be on
 * the class path, which must be the same for every job if classes are to come from an archive.
 * @param storageEndpoint base URL of Cloud Storage
 */
export function prepareDriverFolder(
  root: string,
  cluster: Pick<ClusterRecord, 'project' | 'resource'>,
  tools: SparkTools,
  storageEndpoint: string,
): DriverFolder {
  const work = join(root, 'work')
  const properties = join(root, 'spark.properties')
  mkdirSync(work, { recursive: true })
  mkdirSync(temporary(root), { recursive: true })
  const all = {
    ...imageDefaults(root, cluster.project, tools, storageEndpoint),
    ...clusterProperties(cluster),
  }
  const lines = Object.entries(all).map(([key, value]) => `${key} ${escapeValue(value)}\n`)
  writeFileSync(properties, lines.join(''))
  writeFileSync(join(root, 'log4j2.properties'), LOG4J)
  return { root, work, properties }
}

/** What a driver sees of the environment: nothing of ours but the means to find programs, and its own configuration. */
export function driverEnvironment(
  { root }: DriverFolder,
  tools: SparkTools,
  extraJvmOptions = '',
): NodeJS.ProcessEnv {
  // A JVM that lives for seconds gains more from starting fast than from code that is optimised late.
  const fast = '-XX:TieredStopAtLevel=1 -XX:+UseSerialGC'
  const logging = `-Dlog4j2.configurationFile="file:${join(root, 'log4j2.properties')}"`
  // A driver that is killed leaves its files; they go with its folder.
  const scratch = `-Djava.io.tmpdir="${temporary(root)}" -XX:-UsePerfData`
  return {
    PATH: process.env['PATH'] ?? '/usr/bin:/bin',
    HOME: root,
    LANG: 'C.UTF-8',
    JAVA_HOME: tools.javaHome,
    SPARK_HOME: tools.sparkHome,
    SPARK_LOCAL_DIRS: join(root, 'local'),
    SPARK_LOCAL_IP: '127.0.0.1',
    // The launcher is a JVM of its own that only builds the driver's command line.
    SPARK_LAUNCHER_OPTS: `${fast} ${baseArchiveOptions()}`.trim(),
    SPARK_SUBMIT_OPTS: [fast, logging, scratch, extraJvmOptions || classArchiveOptions()].join(' '),
    TMPDIR: temporary(root),
    PYSPARK_PYTHON: tools.python,
    PYSPARK_DRIVER_PYTHON: tools.python,
    PYTHONUNBUFFERED: '1',
  }
}

function temporary(root: string): string {
  return join(root, 'tmp')
}

function imageDefaults(
  root: string,
  project: string,
  tools: SparkTools,
  storageEndpoint: string,
): Record<string, string> {
  return {
    'spark.ui.enabled': 'false',
    'spark.ui.showConsoleProgress': 'false',
    // The machine's own name need not resolve, and nobody else is to reach the driver.
    'spark.driver.bindAddress': '127.0.0.1',
    'spark.driver.host': '127.0.0.1',
    'spark.driver.extraClassPath': tools.gcsConnector,
    'spark.driver.memory': '1g',
    'spark.sql.warehouse.dir': join(root, 'warehouse'),
    'spark.hadoop.fs.gs.impl': 'com.google.cloud.hadoop.fs.gcs.GoogleHadoopFileSystem',
    'spark.hadoop.fs.AbstractFileSystem.gs.impl': 'com.google.cloud.hadoop.fs.gcs.GoogleHadoopFS',
    'spark.hadoop.fs.gs.project.id': project,
    'spark.hadoop.fs.gs.storage.root.url': `${storageEndpoint.replace(/\/+$/, '')}/`,
    // Without these two the connector looks for Google's metadata server.
    'spark.hadoop.fs.gs.auth.service.account.enable': 'false',
    'spark.hadoop.fs.gs.auth.null.enable': 'true',
  }
}

/** The properties that the cluster was created with, by the file that their prefix names (`SoftwareConfig.properties`). */
function clusterProperties({ resource }: Pick<ClusterRecord, 'resource'>): Record<string, string> {
  const properties: Record<string, string> = {}
  for (const [key, value] of Object.entries(resource.config?.softwareConfig?.properties ?? {})) {
    if (key.startsWith('spark:')) properties[key.slice('spark:'.length)] = value
    if (key.startsWith('core:')) properties[`spark.hadoop.${key.slice('core:'.length)}`] = value
  }
  return properties
}

/** The file is read as Java properties, where a backslash begins an escape. */
function escapeValue(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
}
