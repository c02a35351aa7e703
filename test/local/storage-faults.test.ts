import type { Bucket } from '@google-cloud/storage'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { Control } from '../support/control.ts'
import { storageClient } from '../support/google-clients.ts'
import { startCloud, type TestCloud } from '../support/local-cloud.ts'

let cloud: TestCloud
let control: Control
let bucket: Bucket

beforeAll(async () => {
  cloud = await startCloud({ services: ['storage'] })
  control = new Control(cloud.get('STORAGE_CONTROL_URL'))
  ;[bucket] = await storageClient(cloud.get('STORAGE_API_ENDPOINT')).createBucket('faults')
})
afterAll(() => cloud.close())
beforeEach(() => control.clear())

describe("the official client's own retries", () => {
  test.each(['error', 'drop'])('ride over a %s before the effect', async (kind) => {
    await control.addFault({ on: 'objects.insert', kind, times: 2 })
    await bucket
      .file(`ridden-${kind}`)
      .save('x', { resumable: false, preconditionOpts: { ifGenerationMatch: 0 } })
    expect(await control.calls()).toMatchObject({ 'objects.insert': 3 })
  })

  test('meet 412 when the reply to a creation is lost after the effect', async () => {
    await control.addFault({ on: 'objects.insert', kind: 'drop', when: 'after' })
    const file = bucket.file('created-unseen')
    const save = file.save('x', { resumable: false, preconditionOpts: { ifGenerationMatch: 0 } })
    await expect(save).rejects.toMatchObject({ code: 412 })
    expect((await file.download())[0].toString()).toBe('x')
  })

  test('find a resumable upload done when the reply to its end is lost', async () => {
    await control.addFault({ on: 'objects.insert', kind: 'error', code: 503, when: 'after' })
    const file = bucket.file('finished-unseen')
    await file.save(Buffer.alloc(300_000, 'y'), {
      resumable: true,
      preconditionOpts: { ifGenerationMatch: 0 },
    })
    expect((await file.getMetadata())[0].size).toBe('300000')
  })
})

test('A delete whose reply is lost has happened, so the next one says 404', async () => {
  const file = bucket.file('deleted-unseen')
  await file.save('x', { resumable: false })
  const [{ generation }] = await file.getMetadata()
  const condition = { ifGenerationMatch: Number(generation) }
  await control.addFault({ on: 'objects.delete', kind: 'error', code: 503, when: 'after' })
  await expect(file.delete(condition)).rejects.toMatchObject({ code: 503 })
  await expect(file.delete(condition)).rejects.toMatchObject({ code: 404 })
})

test('A fault strikes only the calls that its text matches, after those that it skips', async () => {
  await control.addFault({
    on: 'objects.get',
    match: 'chosen',
    skip: 1,
    kind: 'error',
    code: 403,
    reason: 'forbidden',
    message: 'No.',
  })
  for (const name of ['chosen', 'other']) await bucket.file(name).save('x', { resumable: false })
  await bucket.file('other').getMetadata()
  await bucket.file('chosen').getMetadata()
  const struck = bucket.file('chosen').getMetadata()
  await expect(struck).rejects.toMatchObject({ code: 403, message: 'No.', errors: [{ reason: 'forbidden' }] })
  await bucket.file('chosen').getMetadata()
})

test('Latency delays a call and lets it pass', async () => {
  await control.addFault({ on: 'objects.list', kind: 'latency', latencyMs: 300 })
  const begin = performance.now()
  await bucket.getFiles()
  expect(performance.now() - begin).toBeGreaterThan(290)
})
