import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const FILE_NAME = 'spark_avg_speed.py'
const FILE = join(import.meta.dirname, '..', 'spark', FILE_NAME)

/** The Spark script that belongs to this release. */
export interface SparkScript {
  readonly content: Buffer
  readonly fileName: string
  /**
   * Hexadecimal. Its object's name holds it, so that worker and set-up agree without a setting, and a job that runs while
   * another release is set up keeps its own script.
   */
  readonly sha256: string
  /** Base64, as Cloud Storage gives it. */
  readonly md5: string
  readonly size: number
}

/** Reads the script from the release's files. */
export function readSparkScript(): SparkScript {
  const content = readFileSync(FILE)
  return {
    content,
    fileName: FILE_NAME,
    sha256: createHash('sha256').update(content).digest('hex'),
    md5: createHash('md5').update(content).digest('base64'),
    size: content.length,
  }
}
