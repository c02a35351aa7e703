import type { Storage } from '@google-cloud/storage'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { CALL_NAMES } from '../../local/storage/routes.ts'
import { Control } from '../support/control.ts'
import { storageClient } from '../support/google-clients.ts'
import { startCloud, type TestCloud } from '../support/local-cloud.ts'
import { contents } from '../support/objects.ts'

const [RAW, PROCESSED, STATE] = ['local-project-raw', 'local-project-processed', 'local-project-state']
const ACCOUNTS = ['worker', 'cluster', 'exporter', 'gateway'] as const
type Account = (typeof ACCOUNTS)[number]

let cloud: TestCloud
let control: Control
let owner: Storage
const as = {} as Record<Account, Storage>
let granted: Readonly<Record<Account, { readonly bindings: object }>>

beforeAll(async () => {
  cloud = await startCloud({ services: ['storage'] })
  control = new Control(cloud.get('STORAGE_CONTROL_URL'))
  owner = storageClient(cloud.get('STORAGE_API_ENDPOINT'), false)
  for (const account of ACCOUNTS) as[account] = storageClient(endpointOf(account), false)
  granted = await control.get('/grants')
})
afterAll(() => cloud.close())

/** What lies there before each test. */
const HELD = ['a', 'manifests/m', 'scripts/s', 'batches/b']
beforeEach(async () => {
  for (const account of ACCOUNTS) {
    await control.put(`/grants/${account}`, granted[account].bindings)
    await control.put('/permissions', { account, denied: [] })
  }
  for (const bucket of [RAW, PROCESSED, STATE].map((name) => owner.bucket(name))) {
    await bucket.deleteFiles()
    await Promise.all(HELD.map((name) => bucket.file(name).save(name, { resumable: false })))
  }
  await control.clear()
})

function endpointOf(account: Account): string {
  return cloud.get(`STORAGE_ENDPOINT_OF_${account.toUpperCase()}`)
}

/** The refusal as Google words it. */
function refusal(account: Account, permission: string): object {
  const isBucket = permission.startsWith('storage.buckets.') || permission === 'storage.objects.list'
  const message = `average-speed-${account}@local-project.iam.gserviceaccount.com does not have ${permission} access to the Google Cloud Storage ${isBucket ? 'bucket' : 'object'}. Permission '${permission}' denied on resource (or it may not exist).`
  return { code: 403, message: expect.stringContaining(message) }
}

/** What one does with a bucket, through the official client, by the permission that it takes. */
const DEEDS: Readonly<Record<string, (storage: Storage, bucket: string, name: string) => Promise<unknown>>> =
  {
    'storage.buckets.get': (storage, bucket) => storage.bucket(bucket).getMetadata(),
    'storage.buckets.update': (storage, bucket) => storage.bucket(bucket).setMetadata({ labels: { a: 'b' } }),
    'storage.buckets.delete': (storage, bucket) => storage.bucket(bucket).delete(),
    'storage.objects.list': (storage, bucket, name) => storage.bucket(bucket).getFiles({ prefix: name }),
    'storage.objects.get': (storage, bucket, name) => storage.bucket(bucket).file(name).download(),
    'storage.objects.create': (storage, bucket, name) =>
      storage.bucket(bucket).file(`${name}-new`).save('new', { resumable: false }),
    'storage.objects.update': (storage, bucket, name) =>
      storage
        .bucket(bucket)
        .file(name)
        .setMetadata({ metadata: { a: 'b' } }),
    'storage.objects.delete': (storage, bucket, name) => storage.bucket(bucket).file(name).delete(),
  }
const OBJECT_USER = ['list', 'get', 'create', 'update', 'delete'].map((name) => `storage.objects.${name}`)
const AS_WORKER = ['storage.buckets.get', ...OBJECT_USER]

test.each<[Account, string, string, readonly string[]]>([
  ['worker', RAW, 'a', AS_WORKER],
  ['worker', PROCESSED, 'a', AS_WORKER],
  ['worker', STATE, 'batches/b', AS_WORKER],
  ['cluster', RAW, 'a', OBJECT_USER],
  ['cluster', PROCESSED, 'a', []],
  ['cluster', STATE, 'manifests/m', ['storage.objects.get']],
  ['cluster', STATE, 'scripts/s', ['storage.objects.get']],
  ['cluster', STATE, 'batches/b', []],
  ['cluster', STATE, 'a', []],
  ['exporter', RAW, 'a', OBJECT_USER],
  ['exporter', PROCESSED, 'a', []],
  ['exporter', STATE, 'manifests/m', []],
  ['gateway', RAW, 'a', []],
  ['gateway', PROCESSED, 'a', []],
  ['gateway', STATE, 'manifests/m', []],
])('The %s may do with gs://%s/%s no more than: %p', async (account, bucket, name, allowed) => {
  const before = await contents(owner, `gs://${bucket}/`)
  for (const [permission, deed] of Object.entries(DEEDS)) {
    const done = deed(as[account], bucket, name)
    if (allowed.includes(permission)) await done
    else await expect(done).rejects.toMatchObject(refusal(account, permission))
  }
  if (!allowed.includes('storage.objects.create')) {
    expect(await contents(owner, `gs://${bucket}/`)).toEqual(before)
  }
})

test('A refusal is told as Google tells it, in JSON and for a download in text', async () => {
  const [json, text] = await Promise.all(
    ['', '?alt=media'].map((query) => fetch(`${endpointOf('exporter')}/storage/v1/b/${STATE}/o/a${query}`)),
  )
  const message =
    "average-speed-exporter@local-project.iam.gserviceaccount.com does not have storage.objects.get access to the Google Cloud Storage object. Permission 'storage.objects.get' denied on resource (or it may not exist)."
  expect(json?.status).toBe(403)
  expect(await json?.json()).toEqual({
    error: { code: 403, message, errors: [{ message, domain: 'global', reason: 'forbidden' }] },
  })
  expect([text?.status, await text?.text()]).toEqual([403, message])
})

describe('What takes several permissions', () => {
  const inRaw = (name: string) => as.exporter.bucket(RAW).file(name)

  test.each(['copy', 'rewrite'])('a %s reads its source and writes its destination', async (how) => {
    const to = (bucket: string, name: string) => `/b/${bucket}/o/${name}`
    const call = async (from: string, into: string) => {
      const path = `/storage/v1${from}/${how}To${into}`
      const response = await fetch(`${endpointOf('exporter')}${path}`, { method: 'POST' })
      return [response.status, /storage\.objects\.\w+/.exec(await response.text())?.[0]]
    }
    expect(await call(to(STATE, 'a'), to(RAW, 'stolen'))).toEqual([403, 'storage.objects.get'])
    expect(await call(to(RAW, 'a'), to(STATE, 'planted'))).toEqual([403, 'storage.objects.create'])
    expect((await call(to(RAW, 'a'), to(RAW, 'copied')))[0]).toBe(200)
    await control.put('/permissions', { account: 'exporter', denied: ['storage.objects.delete'] })
    expect((await call(to(RAW, 'a'), to(RAW, 'copied-2')))[0]).toBe(200)
    expect(await call(to(RAW, 'a'), to(RAW, 'copied'))).toEqual([403, 'storage.objects.delete'])
    expect(Object.keys(await contents(owner, `gs://${STATE}/`))).toEqual([...HELD].sort())
  })

  test('a write over an object deletes it, unless a precondition keeps it', async () => {
    await control.put('/grants/exporter', [{ role: 'roles/storage.objectCreator', bucket: RAW }])
    for (const resumable of [false, true]) {
      await inRaw(`new-${resumable}`).save('x', { resumable })
      await expect(inRaw('a').save('x', { resumable })).rejects.toMatchObject(
        refusal('exporter', 'storage.objects.delete'),
      )
      const preconditionOpts = { ifGenerationMatch: 0 }
      await expect(inRaw('a').save('x', { resumable, preconditionOpts })).rejects.toMatchObject({ code: 412 })
    }
    expect((await contents(owner, `gs://${RAW}/`))['a']).toBe('a')
  })

  test('a resumable upload ends with the rights of whoever has begun it', async () => {
    await control.put('/grants/exporter', [{ role: 'roles/storage.objectCreator', bucket: RAW }])
    const [uri] = await inRaw('late').createResumableUpload()
    await owner.bucket(RAW).file('late').save('the first', { resumable: false })
    const put = await fetch(uri, { method: 'PUT', body: 'the second' })
    expect([put.status, await put.text()]).toEqual([403, expect.stringContaining('storage.objects.delete')])
    expect((await contents(owner, `gs://${RAW}/`))['late']).toBe('the first')
  })

  test('a compose reads each part, and a move deletes its source', async () => {
    await control.put('/permissions', { account: 'exporter', denied: ['storage.objects.get'] })
    const composed = as.exporter.bucket(RAW).combine([inRaw('a'), inRaw('manifests/m')], inRaw('whole'))
    await expect(composed).rejects.toMatchObject(refusal('exporter', 'storage.objects.get'))
    await control.put('/permissions', { account: 'exporter', denied: ['storage.objects.delete'] })
    await expect(inRaw('a').moveFileAtomic('moved')).rejects.toMatchObject(
      refusal('exporter', 'storage.objects.delete'),
    )
    expect(Object.keys(await contents(owner, `gs://${RAW}/`))).toEqual([...HELD].sort())
  })

  test('each call of a batch is judged by itself', async () => {
    const part = (bucket: string) =>
      `--part\r\nContent-Type: application/http\r\n\r\nDELETE /storage/v1/b/${bucket}/o/a HTTP/1.1\r\n\r\n\r\n`
    const response = await fetch(`${endpointOf('exporter')}/batch/storage/v1`, {
      method: 'POST',
      headers: { 'content-type': 'multipart/mixed; boundary=part' },
      body: `${part(STATE)}${part(RAW)}${part(PROCESSED)}--part--\r\n`,
    })
    expect((await response.text()).match(/HTTP\/1\.1 \d+/g)).toEqual(
      [403, 204, 403].map((status) => `HTTP/1.1 ${status}`),
    )
    await expect(owner.bucket(RAW).file('a').exists()).resolves.toEqual([false])
    await expect(owner.bucket(STATE).file('a').exists()).resolves.toEqual([true])
  })
})

test('Which permissions one has is answered by account', async () => {
  const ask = async (account: Account, bucket: string) =>
    Object.entries((await as[account].bucket(bucket).iam.testPermissions(Object.keys(DEEDS)))[0])
      .filter(([, held]) => held)
      .map(([permission]) => permission)
  expect(await ask('worker', STATE)).toEqual(AS_WORKER)
  expect(await ask('exporter', RAW)).toEqual(OBJECT_USER)
  // What is granted below a prefix is not granted on the bucket as a whole.
  expect(await ask('cluster', STATE)).toEqual([])
  expect(await ask('gateway', RAW)).toEqual([])
})

test('What is denied is refused whatever was granted, to this account alone', async () => {
  await control.put('/permissions', { account: 'worker', denied: ['storage.objects.get'] })
  const read = (storage: Storage) => storage.bucket(RAW).file('a').download()
  await expect(read(as.worker)).rejects.toMatchObject(refusal('worker', 'storage.objects.get'))
  await read(as.cluster)
  await read(owner)
})

test('Faults strike before anybody looks at permissions, by account as well, and refused calls count', async () => {
  await control.addFault({ on: 'objects.get', via: 'exporter', kind: 'error', code: 503 })
  const look = (storage: Storage) => storage.bucket(STATE).file('a').getMetadata()
  await look(as.worker)
  await expect(look(as.exporter)).rejects.toMatchObject({ code: 503 })
  await expect(look(as.exporter)).rejects.toMatchObject({ code: 403 })
  expect(await control.calls()).toEqual({ 'objects.get': 3 })
  const log = await control.get<readonly object[]>('/calls/log?via=exporter')
  expect(log).toHaveLength(2)
})

test('An entrance of its own has the rights of the account that it is opened for', async () => {
  const { endpoint = '' } = await control.post('/entrances', { name: 'lane', account: 'cluster' })
  const lane = storageClient(endpoint, false)
  await expect(lane.bucket(PROCESSED).file('a').download()).rejects.toMatchObject({ code: 403 })
  await lane.bucket(RAW).file('a').download()
  const strangers = [
    control.post('/entrances', { name: 'x', account: 'nobody' }),
    control.put('/permissions', { account: 'nobody', denied: [] }),
    control.put('/grants/nobody', []),
  ]
  const refused = strangers.map((call) => expect(call).rejects.toThrow("There is no account 'nobody' here."))
  await Promise.all(refused)
})

test('No call but those that Google answers to everybody is answered to one without a role', async () => {
  const bucket = `/storage/v1/b/${RAW}`
  const object = `${bucket}/o/a`
  const upload = `/upload/storage/v1/b/${RAW}/o?name=mine`
  const calls: Readonly<Record<string, readonly [method: string, path: string, body?: string]>> = {
    'buckets.list': ['GET', '/storage/v1/b?project=local-project'],
    'buckets.insert': ['POST', '/storage/v1/b?project=local-project', '{"name": "mine"}'],
    'buckets.get': ['GET', bucket],
    'buckets.patch': ['PATCH', bucket, '{}'],
    'buckets.delete': ['DELETE', bucket],
    'buckets.getStorageLayout': ['GET', `${bucket}/storageLayout`],
    'objects.list': ['GET', `${bucket}/o`],
    'objects.get': ['GET', object],
    'objects.getMedia': ['GET', `/${RAW}/a`],
    'objects.patch': ['PATCH', object, '{}'],
    'objects.update': ['PUT', object, '{}'],
    'objects.delete': ['DELETE', object],
    'objects.compose': ['POST', `${bucket}/o/whole/compose`, '{"sourceObjects": [{"name": "a"}]}'],
    'objects.copy': ['POST', `${object}/copyTo/b/${RAW}/o/mine`],
    'objects.rewrite': ['POST', `${object}/rewriteTo/b/${RAW}/o/mine`],
    'objects.move': ['POST', `${object}/moveTo/o/mine`],
    'objects.insert': ['POST', `${upload}&uploadType=media`, 'x'],
    'objects.startResumable': ['POST', `${upload}&uploadType=resumable`, '{}'],
  }
  // Whoever has a session's address has been let in when it was opened.
  const open = ['buckets.testIamPermissions', 'objects.cancelResumable']
  expect([...CALL_NAMES].filter((name) => !(name in calls)).sort()).toEqual(open)
  for (const [name, [method, path, body]] of Object.entries(calls)) {
    const response = await fetch(`${endpointOf('gateway')}${path}`, { method, ...(body && { body }) })
    expect([name, response.status]).toEqual([name, 403])
  }
  expect(Object.keys(await control.calls()).sort()).toEqual(Object.keys(calls).sort())
  for (const name of [RAW, PROCESSED, STATE]) {
    expect(Object.keys(await contents(owner, `gs://${name}/`))).toEqual([...HELD].sort())
  }
})
