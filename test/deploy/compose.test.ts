import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from '@jest/globals'
import { tools } from '../../local/toolchain/tools.ts'
import { loadGatewayConfig, loadWorkerConfig } from '../../src/config.ts'
import { gatewayVariables, workerVariables } from '../../src/variables.ts'
import { SEARCH_ATTRIBUTES } from '../../workflows/contract.ts'
import { compose, environmentOf, localCloudEnv, read, service } from './support/compose.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const services = Object.entries(compose.services)

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

  test('reads only variables that the processes read for the profile local-cloud', () => {
    for (const variable of Object.keys(localCloudEnv)) {
      expect({ ...workerVariables, ...gatewayVariables }).toHaveProperty(variable)
    }
  })

  test('gives both processes a complete configuration with the profile local-cloud', () => {
    const env = (name: string) => environmentOf(service(name), localCloudEnv)
    expect(loadWorkerConfig(env('worker')).temporal.address).toBe('temporal:7233')
    expect(loadGatewayConfig(env('gateway')).host).toBe('0.0.0.0')
  })

  test('has Prometheus look where worker and gateway serve their metrics', () => {
    const config = read('deploy/prometheus/prometheus.yml')
    const { metrics: worker } = loadWorkerConfig(environmentOf(service('worker'), localCloudEnv))
    const { metrics: gateway } = loadGatewayConfig(environmentOf(service('gateway'), localCloudEnv))
    expect(config).toContain(`targets: [worker:${worker?.port}]`)
    expect(config).toContain(`targets: [gateway:${gateway?.port}]`)
    expect([worker?.host, gateway?.host]).toEqual(['0.0.0.0', '0.0.0.0'])
  })

  test('registers every search attribute of the workflow', () => {
    const script = read('deploy/temporal/namespace.sh')
    for (const [name, type] of Object.entries(SEARCH_ATTRIBUTES)) expect(script).toContain(`${name}:${type}`)
  })
})
