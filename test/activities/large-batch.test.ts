import { afterAll, beforeAll, expect, test } from '@jest/globals'
import pMap from 'p-map'
import { type Entry, fileAt, splitUri } from '../../activities/objects.ts'
import { sideBySide } from '../../activities/sorted-objects.ts'
import type { GoogleClients } from '../../src/clients.ts'
import { activityBench } from '../support/activities.ts'
import { startCloud, type TestCloud } from '../support/local-cloud.ts'
import { contents, putObject } from '../support/objects.ts'
import { googleOnStorage } from './storage-bench.ts'

let cloud: TestCloud
let google: GoogleClients

beforeAll(async () => {
  cloud = await startCloud({ services: ['storage'] })
  google = googleOnStorage(cloud)
})
afterAll(async () => {
  await google?.close()
  await cloud?.close()
})

// With their long names more than a piece of a manifest. Their order in UTF-16 is another than in UTF-8, in which Cloud
// Storage lists them.
const FIRST_CHARACTERS = ['a', 'é', '\uffee', '🚕']
const NAMES = Array.from({ length: 300 }, (_, index) => {
  const first = FIRST_CHARACTERS[index % FIRST_CHARACTERS.length] ?? ''
  return `${first}${String(index).padStart(900, '0')}.json`
})

test('P8: a manifest that is read in pieces describes the same files, all of which are archived', async () => {
  const { plan: planOf, call } = activityBench(cloud, google)
  const plan = planOf({ rawPath: 'large/raw-1' })
  await pMap(NAMES, (name) => putObject(google.storage, `${plan.rawPath}${name}`, name), { concurrency: 32 })
  const batch = await call('describeRawFiles', [plan])
  expect(batch).toMatchObject({ files: NAMES.length, bytes: Buffer.byteLength(NAMES.join('')) })
  const [{ size }] = await fileAt(google.storage, plan.manifestUri).getMetadata()
  expect(Number(size)).toBeGreaterThan(1 << 18)
  expect(await call('describeRawFiles', [plan])).toEqual(batch)

  await putObject(google.storage, `${plan.rawPath}later.json`, 'later')
  const archive = await call('archiveRawFiles', [plan])
  expect(archive).toMatchObject({ files: batch.files, bytes: batch.bytes, filesLeftInPlace: 1 })
  // That they arrived with their bytes is what each move has looked at, and what other tests look at.
  expect(await namesIn(archive.processedPath)).toEqual(NAMES.toSorted())
  expect(await contents(google.storage, plan.rawPath)).toEqual({ 'later.json': 'later' })
}, 180_000)

test('lists are read side by side in the order of Cloud Storage, which is not that of JavaScript', async () => {
  async function* list(...names: string[]): AsyncGenerator<Entry> {
    for (const name of names) yield { name, object: { name, generation: '1', size: 0, crc32c: '' } }
  }
  const rows: string[] = []
  for await (const { name, objects } of sideBySide([list('\uffee', '🚕'), list('🚕'), list('\uffee')]))
    rows.push([name, ...objects.map((object) => object?.name ?? '-')].join(' '))
  expect(rows).toEqual(['\uffee \uffee - \uffee', '🚕 🚕 🚕 -'])
})

async function namesIn(folder: string): Promise<string[]> {
  const { bucket, name: prefix } = splitUri(folder)
  const [files] = await google.storage.bucket(bucket).getFiles({ prefix })
  return files.map(({ name }) => name.slice(prefix.length)).toSorted()
}
