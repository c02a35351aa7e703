import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const FILE = join(import.meta.dirname, '..', 'spark', 'spark_avg_speed.py')

/** The Spark script that belongs to this release. */
export interface SparkScript {
  readonly content: Buffer
  /**
   * Name of its object in the raw bucket. It holds a hash of the content, so that worker and set-up agree without a setting,
   * and a job that runs while another release is set up keeps its own script.
   */
  readonly objectName: string
}

/** Reads the script from the release's files. */
export function readSparkScript(): SparkScript {
  const content = readFileSync(FILE)
  const hash = createHash('sha256').update(content).digest('hex').slice(0, 12)
  return { content, objectName: `spark-jobs/spark_avg_speed-${hash}.py` }
}

/** Where this release's script lies in a raw bucket. */
export function sparkScriptUri(rawBucket: string): string {
  return `gs://${rawBucket}/${readSparkScript().objectName}`
}
