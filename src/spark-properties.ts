import { JOB_PROPERTIES } from '../activities/spark-arguments.ts'

/**
 * What the script of the release sets itself, since its meaning depends on it: SETTINGS and DEFAULTED in
 * spark/spark_avg_speed.py. A name that ends in a dot stands for all that begin so.
 */
export const SET_BY_THE_SCRIPT: readonly string[] = [
  'spark.sql.session.timeZone',
  'spark.sql.timestampType',
  'spark.sql.caseSensitive',
  'spark.sql.files.ignoreCorruptFiles',
  'spark.sql.files.ignoreMissingFiles',
  'spark.sql.sources.useV1SourceList',
  'spark.hadoop.mapreduce.input.linerecordreader.line.maxlength',
  'spark.hadoop.mapreduce.fileoutputcommitter.marksuccessfuljobs',
  'spark.sql.sources.parallelPartitionDiscovery.parallelism',
  'spark.sql.legacy.',
  'spark.sql.ansi.',
  'spark.sql.parser.',
  'spark.sql.json.',
  'spark.sql.optimizer.enableJsonExpressionOptimization',
]

/**
 * What is wrong with Spark properties, a sentence each: those without which no output is found, and those that would have no
 * effect.
 */
export function faultsOfProperties(
  properties: Readonly<Record<string, string>>,
  isReleaseScript: boolean,
): readonly string[] {
  return Object.entries(properties).flatMap(([name, value]) => {
    const needed = Object.hasOwn(JOB_PROPERTIES, name) ? JOB_PROPERTIES[name] : undefined
    if (needed !== undefined && value.trim().toLowerCase() !== needed)
      return [
        `SPARK_PROPERTIES sets ${name}, which must be ${needed} for the output to be found; leave it out`,
      ]
    if (needed === undefined && isReleaseScript && isSetByTheScript(name))
      return [
        `SPARK_PROPERTIES sets ${name}, which the script sets itself, as its meaning depends on it; leave it out`,
      ]
    return []
  })
}

function isSetByTheScript(name: string): boolean {
  return SET_BY_THE_SCRIPT.some((one) => name === one || (one.endsWith('.') && name.startsWith(one)))
}
