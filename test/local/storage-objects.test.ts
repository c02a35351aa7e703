import { createHash, randomBytes } from 'node:crypto'
import { gunzipSync, gzipSync } from 'node:zlib'
import type { Bucket } from '@google-cloud/storage'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { storageClient } from '../support/google-clients.ts'
import { startCloud, type TestCloud } from '../support/local-cloud.ts'

let cloud: TestCloud
let bucket: Bucket

beforeAll(async () => {
  cloud = await startCloud({ services: ['storage'] })
  ;[bucket] = await storageClient(cloud.get('STORAGE_API_ENDPOINT')).createBucket('objects')
})
afterAll(() => cloud.close())

describe('an upload', () => {
  test.each([
    ['multipart', false],
    ['resumable', true],
  ])(
    'in %s form comes back byte for byte, its checksums verified by the client',
    async (_kind, resumable) => {
      const content = randomBytes(1_500_000)
      const file = bucket.file(`bytes-${resumable}`)
      await file.save(content, { resumable, validation: 'crc32c' })
      const [downloaded] = await file.download({ validation: 'md5' })
      expect(downloaded.equals(content)).toBe(true)
      const [metadata] = await file.getMetadata()
      expect(metadata.md5Hash).toBe(createHash('md5').update(content).digest('base64'))
      expect(metadata.size).toBe('1500000')
    },
  )

  test('in chunks goes through whole', async () => {
    const content = randomBytes(1_000_000)
    await bucket.file('chunks').save(content, { resumable: true, chunkSize: 256 * 1024 })
    expect((await bucket.file('chunks').download())[0].equals(content)).toBe(true)
  })

  test('that was broken off is taken up where it stopped', async () => {
    const content = randomBytes(600_000)
    const [uri] = await bucket.file('resumed').createResumableUpload()
    const first = await fetch(uri, {
      method: 'PUT',
      headers: { 'content-range': 'bytes 0-524287/600000' },
      body: content.subarray(0, 524_288),
    })
    expect([first.status, first.headers.get('range')]).toEqual([308, 'bytes=0-524287'])
    const asked = await fetch(uri, { method: 'PUT', headers: { 'content-range': 'bytes */600000' } })
    expect([asked.status, asked.headers.get('range')]).toEqual([308, 'bytes=0-524287'])
    expect((await bucket.file('resumed').exists())[0]).toBe(false)
    const last = await fetch(uri, {
      method: 'PUT',
      headers: { 'content-range': 'bytes 524288-599999/600000' },
      body: content.subarray(524_288),
    })
    expect(last.status).toBe(200)
    expect((await bucket.file('resumed').download())[0].equals(content)).toBe(true)
    const again = await fetch(uri, { method: 'PUT', headers: { 'content-range': 'bytes */*' } })
    expect(again.status).toBe(200)
  })

  test('with a checksum that is not the content is refused', async () => {
    const target = bucket.file('corrupt')
    const save = target.save('content', { resumable: false, metadata: { crc32c: 'AAAAAA==' } })
    await expect(save).rejects.toMatchObject({ code: 400 })
    expect((await target.exists())[0]).toBe(false)
  })

  test('into a bucket that is not there is 404', async () => {
    const missing = storageClient(cloud.get('STORAGE_API_ENDPOINT')).bucket('not-there').file('x')
    await expect(missing.save('x', { resumable: false })).rejects.toMatchObject({ code: 404 })
    await expect(missing.save('x', { resumable: true })).rejects.toMatchObject({ code: 404 })
  })
})

test.each([
  'a b/c d.txt',
  'grüße/東京/🚕.csv',
  '100%/50%25/#1?x=1&y=2',
  'semi;colon,comma+plus=equals@at!$\'()*"<>|\\',
  'trailing/',
  '//double//slashes',
  'a/copyTo/b/x/o/y',
  'x/compose',
])('The name %j is kept through upload, list, copy, download and delete', async (name) => {
  const file = bucket.file(`names/${name}`)
  await file.save(name, { resumable: true })
  const [listed] = await bucket.getFiles({ prefix: file.name })
  expect(listed.map((found) => found.name)).toEqual([file.name])
  const copy = bucket.file(`copies/${name}`)
  await file.copy(copy)
  expect((await copy.download())[0].toString()).toBe(name)
  const [{ mediaLink }] = await copy.getMetadata()
  expect(await (await fetch(String(mediaLink))).text()).toBe(name)
  await file.delete()
  await copy.delete()
  expect((await file.exists())[0]).toBe(false)
})

describe('gzip content', () => {
  const text = 'one line of many\n'.repeat(1000)

  test('is stored as sent, and unpacked only for a client that does not take gzip', async () => {
    const packed = gzipSync(text)
    const file = bucket.file('packed')
    await file.save(packed, {
      resumable: false,
      metadata: { contentEncoding: 'gzip', contentType: 'text/plain' },
    })
    const [metadata] = await file.getMetadata()
    expect(metadata).toMatchObject({ size: String(packed.length), contentEncoding: 'gzip' })
    const url = `${cloud.get('STORAGE_API_ENDPOINT')}/storage/v1/b/objects/o/packed?alt=media`
    const plain = await fetch(url, { headers: { 'accept-encoding': 'identity' } })
    expect(plain.headers.get('content-encoding')).toBeNull()
    expect(await plain.text()).toBe(text)
    const [raw] = await file.download({ decompress: false })
    expect(gunzipSync(raw).toString()).toBe(text)
    expect((await file.download())[0].toString()).toBe(text)
  })

  test('without the encoding in its metadata is bytes like any other', async () => {
    const packed = gzipSync(text)
    await bucket.file('packed.json.gz').save(packed, { resumable: false })
    expect((await bucket.file('packed.json.gz').download())[0].equals(packed)).toBe(true)
  })
})

test('A range gives the bytes asked for, and 416 beyond the end', async () => {
  await bucket.file('range').save('0123456789', { resumable: false })
  const [part] = await bucket.file('range').download({ start: 2, end: 5 })
  expect(part.toString()).toBe('2345')
  const url = `${cloud.get('STORAGE_API_ENDPOINT')}/objects/range`
  const suffix = await fetch(url, { headers: { range: 'bytes=-3' } })
  expect([suffix.status, await suffix.text()]).toEqual([206, '789'])
  expect((await fetch(url, { headers: { range: 'bytes=10-' } })).status).toBe(416)
})

test('A copy keeps content and metadata; one with metadata of its own replaces them', async () => {
  const source = bucket.file('copy-source')
  await source.save('x', {
    resumable: false,
    metadata: { contentType: 'text/csv', metadata: { batch: '1' } },
  })
  const [plain] = await source.copy(bucket.file('copy-plain'))
  expect((await plain.getMetadata())[0]).toMatchObject({ contentType: 'text/csv', metadata: { batch: '1' } })
  const [changed] = await source.copy(bucket.file('copy-changed'), { metadata: { batch: '2' } })
  expect((await changed.getMetadata())[0]).toMatchObject({
    contentType: 'text/csv',
    metadata: { batch: '2' },
  })
})

test('Composed objects are the parts in order, without an MD5', async () => {
  const parts = await Promise.all(
    ['a', 'b', 'c'].map(async (text) => {
      const file = bucket.file(`part-${text}`)
      await file.save(text, { resumable: false })
      return file
    }),
  )
  const target = bucket.file('whole')
  await bucket.combine(parts, target)
  expect((await target.download({ validation: 'crc32c' }))[0].toString()).toBe('abc')
  const [metadata] = await target.getMetadata()
  expect(metadata).toMatchObject({ componentCount: 3 })
  expect(metadata).not.toHaveProperty('md5Hash')
})

test('A bucket is made once, found, and deleted only when it is empty', async () => {
  const storage = storageClient(cloud.get('STORAGE_API_ENDPOINT'))
  const [made] = await storage.createBucket('once')
  await expect(storage.createBucket('once')).rejects.toMatchObject({ code: 409 })
  expect((await made.exists())[0]).toBe(true)
  await made.file('x').save('x', { resumable: false })
  await expect(made.delete()).rejects.toMatchObject({ code: 409 })
  await made.file('x').delete()
  await made.delete()
  expect((await made.exists())[0]).toBe(false)
  await expect(made.getFiles()).rejects.toMatchObject({ code: 404 })
})
