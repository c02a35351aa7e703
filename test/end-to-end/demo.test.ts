import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from '@jest/globals'

const ROOT = join(import.meta.dirname, '..', '..')

// The demo's own temporary folder: it is part of the command line of every process that the demo starts.
const folder = mkdtempSync(join(tmpdir(), 'demo-test-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('npm run demo shows the whole way, ends 0, and leaves no process and no file behind', async () => {
  const demo = spawn(
    join(ROOT, 'node_modules', '.bin', 'node'),
    [join(ROOT, 'local', 'demo', 'main.ts'), '--json'],
    {
      env: { ...process.env, TMPDIR: folder, NODE_OPTIONS: '' },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  const printed = { out: '', err: '' }
  demo.stdout.on('data', (text) => {
    printed.out += String(text)
  })
  demo.stderr.on('data', (text) => {
    printed.err += String(text)
  })
  const [code] = await once(demo, 'close')
  expect(printed.err).toBe('')
  expect(code).toBe(0)
  const outcome = JSON.parse(printed.out)
  expect(outcome.table).toMatchObject({ rows: 5500, nullSpeeds: 0, zeroSpeeds: 29 })
  expect(outcome.table.sumOfSpeeds).toBeCloseTo(73564.2990720707, 6)
  expect(outcome.clusters).toMatchObject({ created: 1, running: 0 })
  const objects = Object.fromEntries(
    outcome.storage.map(({ folder: uri, objects: count }: { folder: string; objects: number }) => [
      /\/(manifests)\//.exec(uri)?.[1] ??
        /(receipts)\/$/.exec(uri)?.[1] ??
        /\/(raw|transformed|rejected|failed|processed_date)[-=]/.exec(uri)?.[1],
      count,
    ]),
  )
  expect(objects).toMatchObject({
    raw: 0,
    transformed: 0,
    rejected: 0,
    failed: 0,
    processed_date: 3,
    receipts: 1,
  })
  expect(outcome.receipt).toMatchObject({
    rowsRead: 5500,
    rowsWritten: 5500,
    rowsLoaded: 5500,
    filesArchived: 3,
    startedBy: expect.stringContaining('@'),
    notCleaned: [],
  })
  expect(execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' })).not.toContain(folder)
  expect(readdirSync(folder).filter((name) => name.startsWith('average-speed-demo-'))).toEqual([])
}, 120_000)
