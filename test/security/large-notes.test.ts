import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { WORKER_HEAP } from '../../bench/support/worker-heap.ts'
import type { GoogleClients } from '../../src/clients.ts'
import { googleClientsOf } from '../support/clients.ts'
import { startCloud, type TestCloud } from '../support/local-cloud.ts'

const SCRIPT = join(import.meta.dirname, 'support', 'large-notes-process.ts')
const MIB = 1024 * 1024
/** Of the worker's container. */
const LIMIT_MIB = 512

let cloud: TestCloud
let google: GoogleClients
beforeAll(async () => {
  cloud = await startCloud({ services: ['storage', 'dataproc', 'bigquery'] })
  google = googleClientsOf(cloud)
})
afterAll(async () => {
  await google?.close()
  await cloud?.close()
})

const LINE = { name: 'large/raw-1/a.json', generation: '1', size: 3, crc32c: 'AAAAAA==' }

/** Puts an object of 200 MiB, of which 10 are sent. */
async function putLarge(name: string, text: string): Promise<void> {
  const bucket = google.storage.bucket(cloud.get('STATE_BUCKET'))
  const part = Buffer.alloc(10 * MIB, text)
  await bucket.file(`${name}-part`).save(part, { resumable: false })
  const parts = Array.from({ length: 20 }, () => bucket.file(`${name}-part`))
  await bucket.combine(parts, bucket.file(name))
}

/** Puts an object of 60 KiB that unpacks to a thousand times as much. */
async function putPacked(name: string): Promise<void> {
  const content = gzipSync(`[${'[],'.repeat(20 * MIB)}[]]`)
  expect(content.length).toBeLessThan(64 * 1024)
  const metadata = { contentEncoding: 'gzip' }
  await google.storage
    .bucket(cloud.get('STATE_BUCKET'))
    .file(name)
    .save(content, { resumable: false, metadata })
}

test('finding 7: a worker that meets notes of 200 MiB stays within its memory, and says what is wrong', async () => {
  await putLarge('one-line', '[')
  await putLarge('lines', `${JSON.stringify(LINE)}\n`)
  await putPacked('packed')
  const sources = ['one-line', 'lines', 'packed']
  const args = [...WORKER_HEAP, SCRIPT, JSON.stringify(cloud.env), ...sources]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], timeout: 50_000 })
  let answer = ''
  child.stdout.on('data', (text) => {
    answer += String(text)
  })
  expect((await once(child, 'close'))[0]).toBe(0)
  const { outcomes, peakMib } = JSON.parse(answer)
  const each = {
    manifest: 'NoteUnreadable',
    'archive place': 'NoteUnreadable',
    claim: 'NoteUnreadable',
    'table state': 'NoteUnreadable',
    'table claim': 'NoteUnreadable',
    'output note': 'NoteUnreadable',
    zone: 'done',
    _SUCCESS: 'OutputGone',
    '_summary.json': 'CountsDiffer',
    '_failure.json': 'done',
    receipt: 'StorageConflict',
  }
  expect(outcomes).toEqual(Object.fromEntries(sources.map((source) => [source, each])))
  expect(peakMib).toBeLessThan(LIMIT_MIB)
})
