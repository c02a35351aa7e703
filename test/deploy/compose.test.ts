import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv, promisify } from 'node:util'
import { describe, expect, test } from '@jest/globals'
import { parse } from 'yaml'
import { tools } from '../../local/toolchain/tools.ts'
import { loadGatewayConfig, loadWorkerConfig } from '../../src/config.ts'
import { gatewayVariables, workerVariables } from '../../src/variables.ts'
import { SEARCH_ATTRIBUTES } from '../../workflows/contract.ts'

interface Service {
  readonly image?: string
  readonly build?: { readonly target: string }
  readonly command?: readonly string[]
  readonly entrypoint?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
  readonly volumes?: readonly string[]
  readonly ports?: readonly string[]
  readonly healthcheck?: { readonly test: readonly string[] }
}

const ROOT = join(import.meta.dirname, '..', '..')
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8')
const compose: { readonly services: Record<string, Service>; readonly volumes: Record<string, unknown> } =
  parse(read('docker-compose.yml'), { merge: true })
const services = Object.entries(compose.services)
const localCloudEnv = parseEnv(read('deploy/local-cloud.env'))

// No container engine is needed here: what a parser can tell is checked, and the images' commands are those that the other
// tests run by hand.
describe('docker-compose.yml', () => {
  test('is what the specification of compose files allows', async () => {
    const args = ['-m', 'check_jsonschema', '--builtin-schema', 'vendor.compose-spec', 'docker-compose.yml']
    const { stdout } = await promisify(execFile)(tools.python, args, { cwd: ROOT })
    expect(stdout).toContain('ok -- validation done')
  })

  test('has the whole stack', () => {
    expect(Object.keys(compose.services).sort()).toEqual([
      'gateway',
      'local-cloud',
      'postgresql',
      'prometheus',
      'temporal',
      'temporal-schema',
      'temporal-setup',
      'temporal-ui',
      'worker',
    ])
  })

  test.each(services)('%s: is built here, or pinned by version', (_name, { image, build }) => {
    if (build === undefined) expect(image).toMatch(/:v?\d+\.\d+(\.\d+)?$/)
    else expect(read('Dockerfile')).toContain(` AS ${build.target}\n`)
  })

  test.each(services)(
    '%s: depends only on services that are there, in ways that they can fulfil',
    (_name, service) => {
      for (const [other, { condition }] of Object.entries(service.depends_on ?? {})) {
        expect(compose.services[other]).toBeDefined()
        if (condition === 'service_healthy') expect(compose.services[other]?.healthcheck).toBeDefined()
      }
    },
  )

  test.each(services)(
    '%s: runs and mounts files that exist',
    (_name, { command = [], volumes = [], entrypoint = [], healthcheck }) => {
      for (const word of [...command, ...(healthcheck?.test ?? [])].filter((text) =>
        /^\w.*\.(ts|mjs)$/.test(text),
      )) {
        expect(existsSync(join(ROOT, word))).toBe(true)
      }
      for (const source of volumes
        .map((volume) => volume.split(':')[0] ?? '')
        .filter((text) => text.startsWith('.'))) {
        expect(existsSync(join(ROOT, source))).toBe(true)
      }
      const script = entrypoint.at(-1)?.replace('/setup/', 'deploy/temporal/')
      if (script !== undefined) expect(existsSync(join(ROOT, script))).toBe(true)
    },
  )

  test('sets only variables that the processes read', () => {
    for (const [name, known] of [
      ['worker', workerVariables],
      ['gateway', gatewayVariables],
    ] as const) {
      for (const variable of Object.keys(compose.services[name]?.environment ?? {}))
        expect(known).toHaveProperty(variable)
    }
    for (const variable of Object.keys(localCloudEnv)) {
      expect({ ...workerVariables, ...gatewayVariables }).toHaveProperty(variable)
    }
  })

  test('gives both processes a complete configuration with the profile local-cloud', () => {
    const env = (name: string) => ({ ...localCloudEnv, ...compose.services[name]?.environment })
    expect(loadWorkerConfig(env('worker')).temporal.address).toBe('temporal:7233')
    expect(loadGatewayConfig(env('gateway')).host).toBe('0.0.0.0')
  })

  test('has Prometheus look where worker and gateway serve their metrics', () => {
    const config = read('deploy/prometheus/prometheus.yml')
    const { metrics: worker } = loadWorkerConfig({
      ...localCloudEnv,
      ...compose.services['worker']?.environment,
    })
    const { metrics: gateway } = loadGatewayConfig({
      ...localCloudEnv,
      ...compose.services['gateway']?.environment,
    })
    expect(config).toContain(`targets: [worker:${worker?.port}]`)
    expect(config).toContain(`targets: [gateway:${gateway?.port}]`)
    expect([worker?.host, gateway?.host]).toEqual(['0.0.0.0', '0.0.0.0'])
  })

  test('does not publish the metrics of the gateway', () => {
    const published = compose.services['gateway']?.ports ?? []
    expect(published.length).toBeGreaterThan(0)
    expect(published.filter((port) => port.endsWith(':9465'))).toEqual([])
  })

  test('registers every search attribute of the workflow', () => {
    const script = read('deploy/temporal/namespace.sh')
    for (const [name, type] of Object.entries(SEARCH_ATTRIBUTES)) expect(script).toContain(`${name}:${type}`)
  })
})
