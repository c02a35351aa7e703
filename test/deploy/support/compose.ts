import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { parse } from 'yaml'

const ROOT = join(import.meta.dirname, '..', '..', '..')

/** A service of the compose file, as far as the tests look at it. */
export interface Service {
  readonly profiles?: readonly string[]
  readonly image?: string
  readonly build?: { readonly target: string }
  readonly command?: readonly string[]
  readonly entrypoint?: readonly string[]
  readonly restart?: string
  readonly environment?: Readonly<Record<string, string | null>>
  readonly env_file?: unknown
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
  readonly networks?: readonly string[]
  readonly volumes?: readonly string[]
  readonly tmpfs?: readonly string[]
  readonly ports?: readonly string[]
  readonly healthcheck?: { readonly test: readonly string[] }
  readonly read_only?: boolean
  readonly cap_drop?: readonly string[]
  readonly security_opt?: readonly string[]
  readonly mem_limit?: string
  readonly pids_limit?: number
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>
  readonly networks: Readonly<Record<string, { readonly internal?: boolean } | null>>
}

/** The text of a file of this repository. */
export const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8')

/** The compose file, with its anchors resolved and its variables not. */
export const compose: Compose = parse(read('docker-compose.yml'), { merge: true })

/** What Compose reads for the profile local-cloud. */
export const localCloudEnv: Readonly<Record<string, string | undefined>> = parseEnv(
  read('deploy/local-cloud.env'),
)

/** A service, which must be there. */
export function service(name: string): Service {
  const found = compose.services[name]
  if (found === undefined) throw new Error(`docker-compose.yml has no service ${name}.`)
  return found
}

/** What a service's process sees: a name without a value has that of `env`, and is not set if `env` has none. */
export function environmentOf(
  { environment = {}, env_file: whole }: Service,
  env: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const named = Object.entries(environment).map(([name, value]) => [name, value ?? env[name]] as const)
  const seen = [...(whole === undefined ? [] : Object.entries(env)), ...named]
  return Object.fromEntries(seen.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])))
}
