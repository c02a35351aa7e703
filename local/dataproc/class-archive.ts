import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { tools } from '../toolchain/tools.ts'
import { driverEnvironment, prepareDriverFolder } from './spark-environment.ts'

const folder = join(import.meta.dirname, '..', '..', '.local', 'class-archive')
const base = join(folder, 'base.jsa')
const spark = join(folder, 'spark.jsa')

// A mismatch only means that classes are loaded the slow way; the JVM's warning about it would end up in the job's output.
const QUIET = '-Xlog:disable'

/**
 * JVM options that load Spark's classes ready-made out of an archive, which saves a small job nearly half of its time. Empty
 * when no archive has been made; one that does not fit is ignored by the JVM.
 */
export function classArchiveOptions(): string {
  if (!existsSync(spark)) return ''
  return `-Xshare:auto -XX:SharedArchiveFile="${base}:${spark}" ${QUIET}`
}

/** Whether the archive is there and not older than what it was made of. */
export function classArchiveIsCurrent(): boolean {
  if (!existsSync(spark)) return false
  const made = statSync(spark).mtimeMs
  return [join(tools.sparkHome, 'jars'), join(tools.javaHome, 'lib', 'modules'), tools.gcsConnector].every(
    (source) => statSync(source).mtimeMs <= made,
  )
}

/**
 * Makes the archive: a base one of the JRE's classes, because this JRE comes without, and one of what a training job loads
 * (https://docs.oracle.com/en/java/javase/17/vm/class-data-sharing.html). Takes some twenty seconds.
 * @param storageEndpoint a Cloud Storage stand-in with the bucket `training`, so that the connector's classes are in it too
 * @throws Error with the output of the program that failed
 */
export async function makeClassArchive(storageEndpoint: string): Promise<void> {
  mkdirSync(folder, { recursive: true })
  const building = {
    base: join(folder, 'base.new'),
    spark: join(folder, 'spark.new'),
    root: join(folder, 'training'),
  }
  for (const path of Object.values(building)) rmSync(path, { recursive: true, force: true })
  // The upper archive records the path of the base one, so that has to have its final name first.
  rmSync(spark, { force: true })
  rmSync(base, { force: true })
  await run(
    join(tools.javaHome, 'bin', 'java'),
    ['-Xshare:dump', '-XX:+UseSerialGC', `-XX:SharedArchiveFile=${base}`],
    {},
  )
  const driver = prepareDriverFolder(
    building.root,
    { project: 'training', resource: {} },
    tools,
    storageEndpoint,
  )
  const script = join(building.root, 'training.py')
  writeFileSync(script, TRAINING)
  const options = `-XX:SharedArchiveFile="${base}" -XX:ArchiveClassesAtExit="${building.spark}" ${QUIET}`
  await run(
    join(tools.sparkHome, 'bin', 'spark-submit'),
    ['--master', 'local[2]', '--properties-file', driver.properties, script],
    driverEnvironment(driver, tools, options),
  )
  renameSync(building.spark, spark)
  rmSync(building.root, { recursive: true, force: true })
}

/** What a small batch job does: read lines of JSON, compute, write CSV and text. */
const TRAINING = `
from pyspark.sql import SparkSession, functions as F
from pyspark.sql.types import DoubleType, StringType, StructField, StructType

spark = SparkSession.builder.appName("training").getOrCreate()
root = "gs://training/"
lines = spark.range(200).selectExpr("""concat('{"d":', id, ',"t":"2019-03-23 20:21:09 UTC"}') as value""")
lines.write.mode("overwrite").text(root + "in")
schema = StructType([StructField("d", DoubleType()), StructField("t", StringType())])
parsed = (
    spark.read.text(root + "in")
    .withColumn("r", F.from_json("value", schema))
    .select("r.*", F.to_timestamp(F.regexp_replace("r.t", " UTC$", "")).alias("ts"))
    .withColumn("speed", F.when(F.col("d") > 0, F.col("d") * 3600).otherwise(F.lit(0.0)))
    .cache()
)
parsed.write.mode("overwrite").csv(root + "out")
parsed.filter("d < 0").write.mode("overwrite").json(root + "rejected")
parsed.groupBy(F.col("speed") > 100).agg(F.count("*"), F.sum("speed")).collect()
print(parsed.rdd.map(lambda row: 1).count(), spark.read.csv(root + "out").count())
path = spark._jvm.org.apache.hadoop.fs.Path(root + "summary.json")
out = path.getFileSystem(spark._jsc.hadoopConfiguration()).create(path, True)
out.write(bytearray(b"{}"))
out.close()
spark.stop()
`

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
