import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'

const ROOT = join(import.meta.dirname, '..', '..', '..')

interface Compose {
  readonly services: Readonly<
    Record<
      'temporal' | 'temporal-schema' | 'temporal-setup',
      { readonly image: string; readonly environment: Readonly<Record<string, string>> }
    >
  >
}

/** The compose file's services, whose settings and versions are those under test. */
export const { services }: Compose = parse(readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8'), {
  merge: true,
})

/** The version of the compose file's Temporal server. */
export const TEMPORAL_VERSION = services.temporal.image.split(':')[1] ?? ''

/** Where the server and its SQL tool are built to. */
export const serverFolder = join(ROOT, '.local', `temporal-server-${TEMPORAL_VERSION}`)

/**
 * The folder of PostgreSQL's programs: Debian keeps those of each version in a folder that is not on PATH.
 * @returns nothing if it is not installed
 */
export function postgresBin(): string | undefined {
  const parent = '/usr/lib/postgresql'
  const versions = existsSync(parent) ? readdirSync(parent).sort((a, b) => Number(b) - Number(a)) : []
  const folders = versions.map((version) => join(parent, version, 'bin'))
  const onPath = (process.env['PATH'] ?? '').split(':')
  return [...folders, ...onPath].find((folder) => existsSync(join(folder, 'initdb')))
}

/** The schemas that the server's module ships, as the image of the compose file's tools holds them. */
export function schemaFolder(): string {
  const args = ['mod', 'download', '-json', `go.temporal.io/server@v${TEMPORAL_VERSION}`]
  const { stdout } = spawnSync('go', args, { encoding: 'utf8' })
  return join(JSON.parse(stdout).Dir, 'schema')
}
