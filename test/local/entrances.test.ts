import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { createGoogleClients, type GoogleClients } from '../../src/clients.ts'
import { Control } from '../support/control.ts'
import { startCloud, type TestCloud } from '../support/local-cloud.ts'

const SERVICES = ['storage', 'bigquery', 'dataproc'] as const
type Service = (typeof SERVICES)[number]

let cloud: TestCloud
let main: GoogleClients
let other: GoogleClients
const controls = {} as Record<Service, Control>

beforeAll(async () => {
  cloud = await startCloud({ services: SERVICES })
  const at = { project: cloud.get('GOOGLE_CLOUD_PROJECT'), region: cloud.get('DATAPROC_REGION') }
  const endpoints = {} as Record<Service, string>
  for (const service of SERVICES) {
    controls[service] = new Control(cloud.get(`${service.toUpperCase()}_CONTROL_URL`))
    endpoints[service] = (await controls[service].post('/entrances', { name: 'other' }))['endpoint'] ?? ''
  }
  main = createGoogleClients({
    ...at,
    dataprocEndpoint: cloud.get('DATAPROC_API_ENDPOINT'),
    storageEndpoint: cloud.get('STORAGE_API_ENDPOINT'),
    bigqueryEndpoint: cloud.get('BIGQUERY_API_ENDPOINT'),
  })
  other = createGoogleClients({
    ...at,
    dataprocEndpoint: endpoints.dataproc,
    storageEndpoint: endpoints.storage,
    bigqueryEndpoint: endpoints.bigquery,
  })
}, 120_000)
afterAll(async () => {
  await main?.close()
  await other?.close()
  await cloud?.close()
})
beforeEach(() => Promise.all(SERVICES.map((service) => controls[service].clear())))

/** One call of each service by its official client. */
const CALLS: Readonly<Record<Service, { readonly on: string; call(by: GoogleClients): Promise<unknown> }>> = {
  storage: {
    on: 'objects.list',
    call: ({ storage }) => storage.bucket(cloud.get('RAW_BUCKET')).getFiles(),
  },
  bigquery: { on: 'datasets.list', call: ({ bigquery }) => bigquery.getDatasets() },
  dataproc: {
    on: 'ListClusters',
    call: ({ clusters }) =>
      clusters.listClusters({
        projectId: cloud.get('GOOGLE_CLOUD_PROJECT'),
        region: cloud.get('DATAPROC_REGION'),
      }),
  },
}

describe.each(SERVICES)('an entrance of the local %s', (service) => {
  const { on, call } = CALLS[service]

  test('leads to the same service, and its calls are logged under its name', async () => {
    await call(main)
    await call(other)
    const log = await controls[service].get<readonly { readonly name: string }[]>('/calls/log?via=other')
    expect(log.map(({ name }) => name)).toEqual([on])
    expect((await controls[service].calls())[on]).toBe(2)
  })

  test('has faults that strike nobody else', async () => {
    await controls[service].addFault({
      on,
      via: 'other',
      kind: 'error',
      code: service === 'dataproc' ? 7 : 403,
    })
    await call(main)
    await expect(call(other)).rejects.toMatchObject({ code: service === 'dataproc' ? 7 : 403 })
  })

  test.each(['before', 'after'])('holds a call %s its effect until it is let go', async (when) => {
    const { id } = await controls[service].post('/faults', { on, via: 'other', kind: 'hold', when })
    const held = async (waitMs: number) =>
      (await controls[service].get<{ readonly held: boolean }>(`/faults/${id}/held?waitMs=${waitMs}`)).held
    expect(await held(0)).toBe(false)
    let isOver = false
    const waiting = call(other).then(() => {
      isOver = true
    })
    expect(await held(20_000)).toBe(true)
    await call(main)
    expect(isOver).toBe(false)
    await controls[service].post(`/faults/${id}/release`, { end: 'go' })
    await waiting
    const landed = await controls[service].get<readonly object[]>('/faults/landed')
    expect(landed).toContainEqual(expect.objectContaining({ id, call: on, via: 'other', kind: 'hold', when }))
  })

  test('drops a held call if it is told to, and the client tries again', async () => {
    const { id } = await controls[service].post('/faults', { on, via: 'other', kind: 'hold' })
    const waiting = call(other)
    await controls[service].get(`/faults/${id}/held?waitMs=20000`)
    await controls[service].post(`/faults/${id}/release`, { end: 'drop' })
    await waiting
    expect((await controls[service].calls())[on]).toBe(2)
  })
})
