import type { Bucket } from '@google-cloud/storage'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { storageClient } from '../support/google-clients.ts'
import { startCloud, type TestCloud } from '../support/local-cloud.ts'

const MANY = 10_000

let cloud: TestCloud
let bucket: Bucket

beforeAll(async () => {
  cloud = await startCloud({ services: ['storage'] })
  ;[bucket] = await storageClient(cloud.get('STORAGE_API_ENDPOINT')).createBucket('listing')
  const names = ['a', 'a/', 'a/1', 'a/2', 'a/b/3', 'a0', 'b/1', 'c', 'ä', '｡', '🚕']
  for (const name of names) await bucket.file(name).save('x', { resumable: false })
})
afterAll(() => cloud.close())

interface Page {
  readonly nextPageToken?: string
  readonly prefixes?: string[]
  readonly items?: { name: string }[]
}

/** All pages as the API gives them, so that the tests see each one. */
async function pages(parameters: Record<string, string>, bucketName = 'listing'): Promise<Page[]> {
  const found: Page[] = []
  let token: string | undefined
  do {
    const query = new URLSearchParams({ ...parameters, ...(token && { pageToken: token }) })
    const response = await fetch(`${cloud.get('STORAGE_API_ENDPOINT')}/storage/v1/b/${bucketName}/o?${query}`)
    expect(response.status).toBe(200)
    const page: Page = JSON.parse(await response.text())
    found.push(page)
    token = page.nextPageToken
  } while (token !== undefined)
  return found
}

function namesOf(all: Page[]): string[] {
  return all.flatMap(({ items }) => (items ?? []).map(({ name }) => name))
}

test('Names come in the order of their UTF-8 bytes', async () => {
  const expected = ['a', 'a/', 'a/1', 'a/2', 'a/b/3', 'a0', 'b/1', 'c', 'ä', '｡', '🚕']
  expect(namesOf(await pages({}))).toEqual(expected)
})

test('A prefix selects, and a delimiter folds what lies deeper', async () => {
  const [page] = await pages({ prefix: 'a/', delimiter: '/' })
  expect(page).toMatchObject({
    prefixes: ['a/b/'],
    items: [{ name: 'a/' }, { name: 'a/1' }, { name: 'a/2' }],
  })
  const [files, , response] = await bucket.getFiles({ delimiter: '/', autoPaginate: false })
  expect(files.map(({ name }) => name)).toEqual(['a', 'a0', 'c', 'ä', '｡', '🚕'])
  expect(response).toMatchObject({ prefixes: ['a/', 'b/'] })
})

test.each([1, 2, 3, 4])(
  'Pages of %i items and prefixes repeat nothing and leave nothing out',
  async (size) => {
    const whole = await pages({ delimiter: '/' })
    const parts = await pages({ delimiter: '/', maxResults: String(size) })
    expect(namesOf(parts)).toEqual(namesOf(whole))
    expect(parts.flatMap(({ prefixes }) => prefixes ?? [])).toEqual(['a/', 'b/'])
    for (const { items, prefixes } of parts) {
      expect((items?.length ?? 0) + (prefixes?.length ?? 0)).toBeLessThanOrEqual(size)
    }
  },
)

test('A start is inclusive and an end exclusive', async () => {
  expect(namesOf(await pages({ startOffset: 'a/1', endOffset: 'b/1' }))).toEqual([
    'a/1',
    'a/2',
    'a/b/3',
    'a0',
  ])
})

test('An empty prefix of names is an empty page without items', async () => {
  expect(await pages({ prefix: 'nothing/' })).toEqual([{ kind: 'storage#objects' }])
})

test('Bad paging parameters are 400', async () => {
  for (const query of ['maxResults=x', 'maxResults=-1', 'pageToken=%25']) {
    const response = await fetch(`${cloud.get('STORAGE_API_ENDPOINT')}/storage/v1/b/listing/o?${query}`)
    expect(response.status).toBe(400)
  }
})

test('Ten thousand objects are listed whole while others are deleted from under the listing', async () => {
  const storage = storageClient(cloud.get('STORAGE_API_ENDPOINT'))
  const [many] = await storage.createBucket('many')
  const name = (index: number) => `raw/part-${String(index).padStart(6, '0')}`
  const upload = async (index: number) => {
    const url = `${cloud.get('STORAGE_API_ENDPOINT')}/upload/storage/v1/b/many/o?uploadType=media&name=${name(index)}`
    await (await fetch(url, { method: 'POST', body: 'x' })).text()
  }
  for (let start = 0; start < MANY; start += 50) {
    await Promise.all(Array.from({ length: 50 }, (_, offset) => upload(start + offset)))
  }
  const [files] = await many.getFiles({ prefix: 'raw/' })
  expect(files).toHaveLength(MANY)
  const [firstPage, next] = await many.getFiles({ prefix: 'raw/', autoPaginate: false })
  expect(firstPage).toHaveLength(1000)
  await Promise.all(firstPage.slice(-10).map((file) => file.delete()))
  const [secondPage] = await many.getFiles({ ...(next as object), autoPaginate: false })
  expect(secondPage[0]?.name).toBe(name(1000))
})
