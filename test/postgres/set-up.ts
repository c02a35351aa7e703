/** Builds what `npm run test:postgres` needs beside the usual tools: a Temporal server of the version in
 * docker-compose.yml, from its Go modules. Does nothing when it is there.
 */

import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { postgresBin, serverFolder, TEMPORAL_VERSION } from './support/tools.ts'

if (postgresBin() === undefined)
  fail('PostgreSQL 12 or later is needed. On Debian: apt-get install postgresql')
if (spawnSync('go', ['version']).status !== 0)
  fail('Go 1.26 or later is needed to build the Temporal server.')

if (!existsSync(join(serverFolder, 'server')) || !existsSync(join(serverFolder, 'sql'))) {
  console.log(`Building the Temporal server ${TEMPORAL_VERSION}, once; this takes minutes ...`)
  mkdirSync(serverFolder, { recursive: true })
  const packages = ['server', 'tools/sql'].map(
    (name) => `go.temporal.io/server/cmd/${name}@v${TEMPORAL_VERSION}`,
  )
  const { status } = spawnSync('nice', ['go', 'install', ...packages], {
    stdio: 'inherit',
    env: { ...process.env, GOBIN: serverFolder },
  })
  if (status !== 0) fail('The Temporal server could not be built; the lines above say why.')
}

function fail(sentence: string): never {
  console.error(sentence)
  process.exit(1)
}
