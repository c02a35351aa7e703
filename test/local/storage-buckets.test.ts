import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type Storage as StandIn, startStorage } from '../../local/storage/storage.ts'
import { Control } from '../support/control.ts'
import { storageClient } from '../support/google-clients.ts'

// The official client's judgement of buckets: https://cloud.google.com/storage/docs/json_api/v1/buckets
let standIn: StandIn
let storage: ReturnType<typeof storageClient>

beforeAll(async () => {
  standIn = await startStorage()
  storage = storageClient(standIn.endpoint, false)
})
afterAll(() => standIn?.close())

describe('a bucket', () => {
  test.each([
    [undefined, 'US', 'multi-region'],
    ['eu', 'EU', 'multi-region'],
    ['us-central1', 'US-CENTRAL1', 'region'],
    ['nam4', 'NAM4', 'dual-region'],
  ])('made in %s is in %s, a %s', async (wanted, location, locationType) => {
    const [bucket] = await storage.createBucket(`bucket-${location.toLowerCase()}-${wanted ?? 'default'}`, {
      ...(wanted !== undefined && { location: wanted }),
    })
    expect((await bucket.getMetadata())[0]).toMatchObject({ location, locationType })
    await bucket.setMetadata({ location: 'ASIA', labels: { a: 'b' } } as never)
    expect((await bucket.getMetadata())[0]).toMatchObject({ location, labels: { a: 'b' } })
  })

  test('keeps lifecycle rules, and refuses those that Google refuses', async () => {
    const [bucket] = await storage.createBucket('with-rules')
    await bucket.addLifecycleRule({
      action: { type: 'Delete' },
      condition: { age: 3, matchesPrefix: ['a/'] },
    })
    await bucket.addLifecycleRule({ action: { type: 'Delete' }, condition: { age: 9 } })
    expect((await bucket.getMetadata())[0].lifecycle?.rule).toHaveLength(2)
    for (const rule of [
      { action: { type: 'Delete' }, condition: {} },
      { action: { type: 'Shred' }, condition: { age: 1 } },
      { action: { type: 'Delete' }, condition: { age: -1 } },
    ]) {
      await expect(bucket.setMetadata({ lifecycle: { rule: [rule] } } as never)).rejects.toMatchObject({
        code: 400,
      })
    }
    await bucket.setMetadata({ lifecycle: null })
    expect((await bucket.getMetadata())[0].lifecycle).toBeUndefined()
  })

  test('is changed only if it is as the client last saw it', async () => {
    const [bucket] = await storage.createBucket('guarded')
    await bucket.setMetadata({ labels: { a: '1' } }, { ifMetagenerationMatch: 1 })
    await expect(
      bucket.setMetadata({ labels: { a: '2' } }, { ifMetagenerationMatch: 1 }),
    ).rejects.toMatchObject({ code: 412 })
  })

  test('tells which permissions the caller has', async () => {
    const [bucket] = await storage.createBucket('permitted')
    const control = new Control(standIn.controlUrl)
    const ask = async () =>
      (await bucket.iam.testPermissions(['storage.objects.get', 'storage.objects.delete']))[0]
    await expect(ask()).resolves.toEqual({ 'storage.objects.get': true, 'storage.objects.delete': true })
    await control.put('/permissions', { denied: ['storage.objects.delete'] })
    await expect(ask()).resolves.toEqual({ 'storage.objects.get': true, 'storage.objects.delete': false })
    await control.put('/permissions', { denied: ['storage.objects.get', 'storage.objects.delete'] })
    await expect(ask()).resolves.toEqual({ 'storage.objects.get': false, 'storage.objects.delete': false })
  })
})
