import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { Connection } from '@temporalio/client'
import { SEARCH_ATTRIBUTES } from '../../workflows/contract.ts'
import { Control } from '../support/control.ts'
import { startCloud } from '../support/local-cloud.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const NODE = join(ROOT, 'node_modules', '.bin', 'node')
const UP = join(ROOT, 'local', 'up.ts')

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'up-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

interface Up {
  readonly process: ChildProcess
  readonly env: Record<string, string>
}

async function up(...services: string[]): Promise<Up> {
  const args = [
    '--json',
    '--free-ports',
    '--services',
    services.join(','),
    '--state-dir',
    join(folder, 'state'),
  ]
  const child = spawn(NODE, [UP, ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
  const [line] = await once(createInterface({ input: child.stdout }), 'line')
  return { process: child, env: JSON.parse(String(line)) }
}

/** The processes that have the state folder in their command line. */
async function processesOf(state: string): Promise<string[]> {
  const listing = await new Promise<string>((resolve, reject) => {
    execFile('ps', ['-eo', 'args'], (error, stdout) => (error === null ? resolve(stdout) : reject(error)))
  })
  return listing.split('\n').filter((line) => line.includes(state) && !line.includes('ps -eo'))
}

test.each<[string, (cloud: ChildProcess) => unknown]>([
  ['SIGTERM', (cloud) => cloud.kill('SIGTERM')],
  ['Ctrl-C', (cloud) => cloud.kill('SIGINT')],
  ['the end of its input', (cloud) => cloud.stdin?.end()],
])('After %s nothing is left running and the state is free', async (_how, stop) => {
  const { process: cloud } = await up('storage', 'temporal')
  expect((await processesOf(folder)).some((line) => line.includes('start-dev'))).toBe(true)
  stop(cloud)
  const [code] = await once(cloud, 'exit')
  expect(code).toBe(0)
  expect(await processesOf(folder)).toEqual([])
  const again = await up('storage')
  again.process.kill()
  await once(again.process, 'exit')
})

test('A second cloud on the same state says in one line where the first one is', async () => {
  const first = await up('storage')
  const args = [UP, '--free-ports', '--services', 'storage', '--state-dir', join(folder, 'state'), '--json']
  const { code, stderr } = await new Promise<{ code: unknown; stderr: string }>((resolve) => {
    execFile(NODE, args, (error, _stdout, complaint) => resolve({ code: error?.code, stderr: complaint }))
  })
  expect(code).toBe(1)
  expect(stderr).toMatch(/^The local cloud is already up: .* \(process \d+\)\. Stop that one first\.\n$/)
  first.process.kill()
  await once(first.process, 'exit')
})

test('What is set is in the environment, beside a secret of this cloud alone', async () => {
  const set = { DEPLOYMENT: 'mine', BATCH_FOLDERS: 'a,b=c' }
  const clouds = await Promise.all(
    ['identity', 'storage'].map((name) => startCloud({ services: [name], set })),
  )
  const [first, second] = clouds.map(({ env }) => env)
  expect(first).toMatchObject(set)
  expect(first?.['GATEWAY_SECRET']?.length).toBeGreaterThanOrEqual(32)
  expect(first?.['GATEWAY_SECRET']).not.toBe(second?.['GATEWAY_SECRET'])
  await Promise.all(clouds.map((cloud) => cloud.close()))
})

test('A setting without a name is refused with how to write it', async () => {
  const args = [UP, '--services', 'identity', '--state-dir', join(folder, 'state'), '--set', 'mine']
  const stderr = await new Promise<string>((resolve) => {
    execFile(NODE, args, (_error, _stdout, complaint) => resolve(complaint))
  })
  expect(stderr).toContain('Write NAME=VALUE, such as')
})

test('A service that does not exist is named, with those that do', async () => {
  await expect(startCloud({ services: ['spanner'] })).rejects.toThrow(/no service 'spanner'.*temporal/)
})

test('A service without the one that it stands on says what is missing, and leaves nothing behind', async () => {
  await expect(startCloud({ services: ['dataproc'] })).rejects.toThrow('dataproc needs storage.')
})

test.each([false, true])(
  'Temporal comes back on its file and ports after a restart (kill: %p)',
  async (kill) => {
    const cloud = await startCloud({ services: ['temporal'] })
    const describeNamespace = async (namespace: string) => {
      const connection = await Connection.connect({ address: cloud.get('TEMPORAL_ADDRESS') })
      try {
        return await connection.workflowService.describeNamespace({ namespace })
      } finally {
        await connection.close()
      }
    }
    const before = await describeNamespace('default')
    await new Control(cloud.get('TEMPORAL_CONTROL_URL')).post('/restart', { kill })
    const after = await describeNamespace('default')
    expect(after.namespaceInfo?.id).toBe(before.namespaceInfo?.id)
    await cloud.close()
  },
)

test('Temporal knows the search attributes of the workflow from the start', async () => {
  const cloud = await startCloud({ services: ['temporal'] })
  const connection = await Connection.connect({ address: cloud.get('TEMPORAL_ADDRESS') })
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace: 'default' })
  expect(Object.keys(customAttributes ?? {})).toEqual(expect.arrayContaining(Object.keys(SEARCH_ATTRIBUTES)))
  await connection.close()
  await cloud.close()
})
