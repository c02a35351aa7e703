import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ClusterRecord } from './cluster-record.ts'

/** The tools that a Spark driver runs with, as absolute paths. */
export interface SparkTools {
  readonly python: string
  readonly sparkHome: string
  readonly javaHome: string
  /** The shaded Cloud Storage connector for Hadoop. */
  readonly gcsConnector: string
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
logger.credentials.name = com.google.cloud.hadoop.util.CredentialFactory
logger.credentials.level = error
appender.stderr.layout.pattern = %d{yy/MM/dd HH:mm:ss} %p %c{1}: %m%n%ex
`

/**
 * Writes the configuration folder of a driver, as an image's `/etc/spark/conf`: where Cloud Storage is, what keeps a small
 * job on one machine short, and the cluster's own `spark:` and `core:` properties.
 * @param folder is made if need be
 * @param storageEndpoint base URL of Cloud Storage
 */
export function writeSparkConfiguration(
  folder: string,
  cluster: ClusterRecord,
  tools: SparkTools,
  storageEndpoint: string,
): void {
  mkdirSync(folder, { recursive: true })
  const defaults = {
    ...environmentDefaults(folder, cluster, tools, storageEndpoint),
    ...clusterProperties(cluster),
  }
  const lines = Object.entries(defaults).map(([key, value]) => `${key} ${escapeValue(value)}`)
  writeFileSync(join(folder, 'spark-defaults.conf'), `${lines.join('\n')}\n`)
  writeFileSync(join(folder, 'log4j2.properties'), LOG4J)
}

function environmentDefaults(
  folder: string,
  cluster: ClusterRecord,
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
    // A driver that lives for seconds gains more from starting fast than from code that is optimised late.
    'spark.driver.extraJavaOptions': '-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xshare:auto',
    'spark.driver.memory': '1g',
    'spark.sql.warehouse.dir': join(folder, '..', 'warehouse'),
    'spark.hadoop.fs.gs.impl': 'com.google.cloud.hadoop.fs.gcs.GoogleHadoopFileSystem',
    'spark.hadoop.fs.AbstractFileSystem.gs.impl': 'com.google.cloud.hadoop.fs.gcs.GoogleHadoopFS',
    'spark.hadoop.fs.gs.project.id': cluster.project,
    'spark.hadoop.fs.gs.storage.root.url': `${storageEndpoint.replace(/\/+$/, '')}/`,
    // Without these two the connector looks for Google's metadata server.
    'spark.hadoop.fs.gs.auth.service.account.enable': 'false',
    'spark.hadoop.fs.gs.auth.null.enable': 'true',
  }
}

/** The properties that the cluster was created with, by the file that their prefix names (`SoftwareConfig.properties`). */
function clusterProperties(cluster: ClusterRecord): Record<string, string> {
  const properties: Record<string, string> = {}
  for (const [key, value] of Object.entries(cluster.resource.config?.softwareConfig?.properties ?? {})) {
    if (key.startsWith('spark:')) properties[key.slice('spark:'.length)] = value
    if (key.startsWith('core:')) properties[`spark.hadoop.${key.slice('core:'.length)}`] = value
  }
  return properties
}

/** The file is read as Java properties, where a backslash begins an escape. */
function escapeValue(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
}
