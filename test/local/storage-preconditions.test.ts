import type { Bucket, File } from '@google-cloud/storage'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { storageClient } from '../support/google-clients.ts'
import { startCloud, type TestCloud } from '../support/local-cloud.ts'

let cloud: TestCloud
let bucket: Bucket
let file: File
let count = 0

beforeAll(async () => {
  cloud = await startCloud({ services: ['storage'] })
  const storage = storageClient(cloud.get('STORAGE_API_ENDPOINT'), false)
  ;[bucket] = await storage.createBucket('preconditions')
})
afterAll(() => cloud.close())

/** A new object, and its generation. */
async function written(text = 'first'): Promise<number> {
  file = bucket.file(`object-${++count}`)
  await file.save(text, { resumable: false })
  return generationOf(file)
}

async function generationOf(of: File): Promise<number> {
  const [metadata] = await of.getMetadata()
  return Number(metadata.generation)
}

/** The call is refused with 412 in the API's shape, and changes nothing. */
async function refused(call: Promise<unknown>): Promise<void> {
  await expect(call).rejects.toMatchObject({
    code: 412,
    errors: [{ reason: 'conditionNotMet', domain: 'global' }],
  })
}

describe('a generation precondition', () => {
  test('lets a delete pass only for the generation that is live', async () => {
    const generation = await written()
    await refused(file.delete({ ifGenerationMatch: generation - 1 }))
    expect((await file.exists())[0]).toBe(true)
    await file.delete({ ifGenerationMatch: generation })
    expect((await file.exists())[0]).toBe(false)
  })

  test('on a delete of what is not there says 404, not 412', async () => {
    await expect(bucket.file('never').delete({ ifGenerationMatch: 1 })).rejects.toMatchObject({ code: 404 })
  })

  test.each([
    ['multipart', false],
    ['resumable', true],
  ])('of 0 lets a %s upload create and never replace', async (_kind, resumable) => {
    const target = bucket.file(`create-${resumable}`)
    await target.save('one', { resumable, preconditionOpts: { ifGenerationMatch: 0 } })
    const second = target.save('two', { resumable, preconditionOpts: { ifGenerationMatch: 0 } })
    await expect(second).rejects.toMatchObject({ code: 412 })
    expect((await target.download())[0].toString()).toBe('one')
  })

  test('on a resumable upload is held against what is live when it ends', async () => {
    const target = bucket.file('raced')
    const [uri] = await target.createResumableUpload({ preconditionOpts: { ifGenerationMatch: 0 } })
    await target.save('the winner', { resumable: false })
    const response = await fetch(uri, { method: 'PUT', body: 'the loser' })
    expect(response.status).toBe(412)
    expect((await target.download())[0].toString()).toBe('the winner')
  })

  test('on the source of a copy stops it when the source has changed', async () => {
    const generation = await written()
    await file.save('second', { resumable: false })
    const target = bucket.file('copied')
    const url = new URL(
      `${cloud.get('STORAGE_API_ENDPOINT')}/storage/v1/b/preconditions/o/${file.name}/copyTo/b/preconditions/o/copied`,
    )
    url.searchParams.set('ifSourceGenerationMatch', String(generation))
    expect((await fetch(url, { method: 'POST' })).status).toBe(412)
    expect((await target.exists())[0]).toBe(false)
  })

  test('on the destination of a rewrite keeps it from being replaced', async () => {
    await written('source')
    const target = bucket.file('rewritten')
    await file.copy(target, { preconditionOpts: { ifGenerationMatch: 0 } })
    await refused(file.copy(target, { preconditionOpts: { ifGenerationMatch: 0 } }))
    await file.copy(target, { preconditionOpts: { ifGenerationMatch: await generationOf(target) } })
  })

  test('on a compose keeps its destination from being replaced', async () => {
    await written('a')
    const target = bucket.file('composed')
    await bucket.combine([file], target, { ifGenerationMatch: 0 })
    await refused(bucket.combine([file], target, { ifGenerationMatch: 0 }))
  })

  test('that does not match on a read is 412, and one that must not match and does is 304', async () => {
    const generation = await written()
    await refused(file.getMetadata({ ifGenerationMatch: generation + 1 }))
    const url = `${cloud.get('STORAGE_API_ENDPOINT')}/storage/v1/b/preconditions/o/${file.name}`
    expect((await fetch(`${url}?ifGenerationNotMatch=${generation}`)).status).toBe(304)
    expect((await fetch(`${url}?alt=media&ifGenerationNotMatch=${generation}`)).status).toBe(304)
  })

  test('that is not a number is 400', async () => {
    await written()
    const url = `${cloud.get('STORAGE_API_ENDPOINT')}/storage/v1/b/preconditions/o/${file.name}?ifGenerationMatch=x`
    expect((await fetch(url)).status).toBe(400)
  })

  test('lets exactly one of many simultaneous creations win', async () => {
    const target = bucket.file('contended')
    const attempts = Array.from({ length: 20 }, (_, index) =>
      target.save(`writer ${index}`, {
        resumable: index % 2 === 0,
        preconditionOpts: { ifGenerationMatch: 0 },
      }),
    )
    const outcomes = await Promise.allSettled(attempts)
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  })
})

describe('a metageneration', () => {
  test('counts changes of metadata, which leave the generation as it is', async () => {
    const generation = await written()
    await file.setMetadata({ metadata: { colour: 'yellow' } }, { ifMetagenerationMatch: 1 })
    const [metadata] = await file.getMetadata()
    expect(metadata).toMatchObject({
      generation: String(generation),
      metageneration: '2',
      metadata: { colour: 'yellow' },
    })
    await refused(file.setMetadata({ metadata: { colour: 'green' } }, { ifMetagenerationMatch: 1 }))
  })

  test('starts again with a new generation, which is higher', async () => {
    const generation = await written()
    await file.setMetadata({ contentType: 'text/csv' })
    await file.save('second', { resumable: false })
    const [metadata] = await file.getMetadata()
    expect(metadata.metageneration).toBe('1')
    expect(Number(metadata.generation)).toBeGreaterThan(generation)
  })
})

test('A generation that is no longer live cannot be read or deleted', async () => {
  const generation = await written()
  await file.save('second', { resumable: false })
  const old = bucket.file(file.name, { generation })
  await expect(old.download()).rejects.toMatchObject({ code: 404 })
  await expect(old.delete()).rejects.toMatchObject({ code: 404 })
  expect((await file.download())[0].toString()).toBe('second')
})

describe('an object that is kept', () => {
  test.each([
    ['temporaryHold', /under active Temporary hold/],
    ['eventBasedHold', /under active Event-Based hold/],
  ])('by %s is neither replaced nor deleted until it is released', async (hold, message) => {
    await written()
    await file.setMetadata({ [hold]: true })
    const refusal = {
      code: 403,
      message: expect.stringMatching(message),
      errors: [{ reason: 'objectUnderActiveHold' }],
    }
    await expect(file.delete()).rejects.toMatchObject(refusal)
    await expect(file.save('second', { resumable: false })).rejects.toMatchObject(refusal)
    await file.setMetadata({ [hold]: false })
    await file.delete()
  })

  test('by its bucket, which gives a hold to all that is new or retains it for a while', async () => {
    await bucket.setMetadata({ defaultEventBasedHold: true })
    await written()
    await expect(file.delete()).rejects.toMatchObject({ errors: [{ reason: 'objectUnderActiveHold' }] })
    await file.setMetadata({ eventBasedHold: false })
    await bucket.setMetadata({ defaultEventBasedHold: false, retentionPolicy: { retentionPeriod: 60 } })
    await expect(file.delete()).rejects.toMatchObject({
      code: 403,
      errors: [{ reason: 'retentionPolicyNotMet' }],
    })
    await bucket.setMetadata({ retentionPolicy: null })
    await file.delete()
  })
})
