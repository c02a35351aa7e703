import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { LOCAL, ROOT, VENV } from './paths.mjs'
import { run } from './run.mjs'

const ARCHIVE = join(LOCAL, 'class-archive', 'spark.jsa')
const NODE = join(ROOT, 'node_modules', '.bin', 'node')

/**
 * An archive of the classes that Spark loads, which takes a third off every local job. Needs everything else: it is made by
 * running the Spark script once against the local storage.
 */
export const classArchive = {
  name: "Archive of Spark's classes",
  isDone: () => existsSync(ARCHIVE) && !isStale(statSync(ARCHIVE).mtimeMs),
  run: () => run(NODE, [join(ROOT, 'local', 'dataproc', 'make-class-archive.ts')]),
}

/** Whether Spark or the connector were installed after the archive was made. */
function isStale(made) {
  return [...sparkJars(), join(LOCAL, 'jars')].some(
    (path) => existsSync(path) && statSync(path).mtimeMs > made,
  )
}

function sparkJars() {
  const lib = join(VENV, 'lib')
  if (!existsSync(lib)) return []
  return readdirSync(lib).map((python) => join(lib, python, 'site-packages', 'pyspark', 'jars'))
}
