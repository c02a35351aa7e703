import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readdir, readFile, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { freePort } from '../../local/support/free-port.ts'
import type { GoogleClients } from '../../src/clients.ts'
import { googleClientsOf } from '../support/clients.ts'
import { Control } from '../support/control.ts'
import { exportBatch } from '../support/demo-batch.ts'
import { startCloud, type TestCloud } from '../support/local-cloud.ts'
import { averageSpeed } from '../support/trigger.ts'
import { until } from '../support/until.ts'
import { environmentOf, localCloudEnv, service } from './support/compose.ts'
import { buildStage, type StageTree } from './support/dockerfile.ts'

/** A service of the compose file as a process of this machine. */
interface Running {
  readonly process: ChildProcess
  /** Whether the health check's command says that it is well. */
  readonly isHealthy: () => boolean
  readonly said: () => string
}

const ROOT = join(import.meta.dirname, '..', '..')
let folder: string
let image: StageTree
let cloud: TestCloud
let google: GoogleClients
let worker: Running
let gateway: Running
let gatewayPort: string

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'image-')))
  await chmod(folder, 0o755)
  image = await buildStage('pipeline', folder)
  cloud = await startCloud({ services: ['storage', 'identity', 'temporal', 'dataproc', 'bigquery'] })
  google = googleClientsOf(cloud)
  await new Control(cloud.get('DATAPROC_CONTROL_URL')).put('/settings', { jobMode: 'stub', bootMs: 30 })
  gatewayPort = String(await freePort())
  worker = await start('worker', 'WORKER_HEALTH_PORT', String(await freePort()))
  gateway = await start('gateway', 'GATEWAY_PORT', gatewayPort)
}, 180_000)

afterAll(async () => {
  for (const running of [worker, gateway]) running?.process.kill('SIGKILL')
  await google?.close()
  await cloud?.close()
  await rm(folder, { recursive: true, force: true })
})

/** Starts a service as the compose file says, with the stand-ins' addresses of today and a port of its own. */
async function start(name: string, portVariable: string, port: string): Promise<Running> {
  const { command = [], healthcheck, ...rest } = service(name)
  const written = environmentOf(rest, localCloudEnv)
  const wellKnown = String(written[portVariable])
  const addresses = Object.keys({ ...written, TEMPORAL_UI_URL: '' }).flatMap((variable) =>
    variable in cloud.env && /ADDRESS|ENDPOINT|URL/.test(variable) ? [[variable, cloud.get(variable)]] : [],
  )
  const env = {
    PATH: process.env['PATH'] ?? '',
    ...image.env,
    ...written,
    ...Object.fromEntries(addresses),
    ...('STORAGE_API_ENDPOINT' in written && {
      STORAGE_API_ENDPOINT: cloud.get('STORAGE_ENDPOINT_OF_WORKER'),
    }),
    [portVariable]: port,
    [`${name.toUpperCase()}_METRICS_PORT`]: String(await freePort()),
    ...(name === 'gateway' && { GATEWAY_HOST: '127.0.0.1' }),
  }
  const options = { cwd: image.folder, env, ...unprivileged() }
  const child = spawn(process.execPath, [...image.entrypoint.slice(1), ...command], options)
  let said = ''
  child.stdout.on('data', (text) => {
    said += String(text)
  })
  child.stderr.on('data', (text) => {
    said += String(text)
  })
  const [, , ...check] = healthcheck?.test ?? []
  const words = check.map((word) => word.replace(`:${wellKnown}/`, `:${port}/`))
  return {
    process: child,
    isHealthy: () => spawnSync(process.execPath, words, options).status === 0,
    said: () => said,
  }
}

/** Root becomes nobody, if nobody can read this checkout. */
function unprivileged(): { readonly uid?: number; readonly gid?: number } {
  if (process.getuid?.() !== 0) return {}
  const nobody = { uid: 65_534, gid: 65_534 }
  const look = spawnSync(process.execPath, [join(image.folder, 'deploy', 'healthcheck.mjs')], nobody)
  return look.error === undefined ? nobody : {}
}

describe('the image, laid out by its Dockerfile', () => {
  test('runs as another user than root, by a command of node itself, so that signals reach it', () => {
    expect(image.user).toMatch(/^[1-9]\d*:[1-9]\d*$/)
    expect(image.entrypoint).toEqual(['node'])
  })

  test('holds no TypeScript, no stand-ins and no tests', async () => {
    const names = (await readdir(image.folder, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(image.folder.length + 1))
    expect(names).toContain(join('dist', 'src', 'worker', 'main.js'))
    expect(
      names.filter((name) => name.endsWith('.ts') || /^(dist\/)?(local|test|bench)\//.test(name)),
    ).toEqual([])
  })

  test('imports no package that is left out of it', async () => {
    const { dependencies } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'))
    const files = await readdir(join(image.folder, 'dist'), { recursive: true })
    const imported = new Set<string>()
    for (const file of files.filter((name) => name.endsWith('.js') && name !== 'workflow-bundle.js')) {
      const text = await readFile(join(image.folder, 'dist', file), 'utf8')
      for (const [, name = ''] of text.matchAll(/^(?:import|export) .*?from '([^.][^']*)';$/gms)) {
        if (!name.startsWith('node:')) imported.add(/^(@[^/]+\/)?[^/]+/.exec(name)?.[0] ?? name)
      }
    }
    expect(imported.size).toBeGreaterThan(10)
    expect([...imported].filter((name) => !(name in dependencies))).toEqual([])
  })
})

describe('worker and gateway as the compose file starts them', () => {
  test('become healthy', async () => {
    await until('both are healthy', async () => worker.isHealthy() && gateway.isHealthy(), 60_000)
  }, 70_000)

  test('run a batch, with the workflows that were bundled before', async () => {
    const url = `http://127.0.0.1:${gatewayPort}`
    const client = { ...cloud, get: (name: string) => (name === 'GATEWAY_URL' ? url : cloud.get(name)) }
    const rawPath = await exportBatch(google, cloud.get('RAW_BUCKET'))
    const run = await averageSpeed(client, 'trigger', '--run-id', 'image', '--raw-path', rawPath, '--wait')
    expect(run).toMatchObject({ code: 0, stderr: '' })
    expect(run.stdout).toContain('5500 rows')
  })

  test('end with 0 on SIGTERM by handlers of their own, and without a warning', async () => {
    for (const running of [gateway, worker]) {
      const ended = once(running.process, 'exit')
      running.process.kill('SIGTERM')
      expect(await ended).toEqual([0, null])
      expect(running.isHealthy()).toBe(false)
      expect(running.said()).not.toMatch(/Warning/)
    }
  })
})
