import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { outputNotes } from '../../activities/output-notes.ts'
import type { GoogleClients } from '../../src/clients.ts'
import type { RunPlan } from '../../workflows/plan.ts'
import type { Attempt } from '../../workflows/run-types.ts'
import { type ActivityBench, activityBench, attemptFor, NAMESPACE_ID } from '../support/activities.ts'
import { googleClientsOf } from '../support/clients.ts'
import { Control } from '../support/control.ts'
import { startCloud, type TestCloud } from '../support/local-cloud.ts'
import { contents, putObject } from '../support/objects.ts'

const LOAD_ID = `average_speed_${'0123'.repeat(10)}`

let cloud: TestCloud
let google: GoogleClients
let bench: ActivityBench
let plan: RunPlan
let attempt: Attempt
beforeAll(async () => {
  cloud = await startCloud({ services: ['storage', 'dataproc', 'bigquery'] })
  google = googleClientsOf(cloud)
  bench = activityBench(cloud, google)
}, 60_000)
afterAll(async () => {
  await google?.close()
  await cloud?.close()
})

/** An output of the workflow `owner`, noted as the activity that runs the job does. */
beforeEach(async () => {
  plan = bench.plan({ rawPath: `gs://${cloud.get('RAW_BUCKET')}/exports/raw-1/` })
  attempt = attemptFor(plan)
  const { key, outputPath } = attempt
  const note = { namespaceId: NAMESPACE_ID, owner: 'owner', input: plan.input, loadId: LOAD_ID }
  await outputNotes(google.storage, bench.settings).add(key, note)
  await putObject(google.storage, `${outputPath}part-00000`, 'a,row\n')
})
afterEach(() => bench.open.clear())

const isThere = async (): Promise<boolean> =>
  'part-00000' in (await contents(google.storage, attempt.outputPath))

/** The attempts that are noted. */
async function noted(): Promise<string[]> {
  const folder = `gs://${cloud.get('STATE_BUCKET')}/deployments/test/outputs/`
  return Object.keys(await contents(google.storage, folder)).map((name) => name.replace('.json', ''))
}

describe('reapOrphans', () => {
  test('deletes the output of a closed run whose cluster is gone, and the note with it', async () => {
    await bench.call('reapOrphans', [])
    expect(await isThere()).toBe(false)
    expect(await noted()).toEqual([])
  })

  test('row 9: spares the output of a run of another namespace, which may be open there', async () => {
    const elsewhere = activityBench(cloud, google, {}, 'another-namespace')
    await elsewhere.call('reapOrphans', [])
    expect(await isThere()).toBe(true)
    expect(await noted()).toEqual([attempt.key])
  })

  test('spares the output of an open run', async () => {
    bench.open.add('owner')
    await bench.call('reapOrphans', [])
    expect(await isThere()).toBe(true)
    bench.open.clear()
    await bench.call('reapOrphans', [])
    expect(await isThere()).toBe(false)
  })

  test('spares an output whose cluster may still write', async () => {
    const where = { projectId: cloud.get('GOOGLE_CLOUD_PROJECT'), region: cloud.get('DATAPROC_REGION') }
    const { clusterName } = attempt
    const [creation] = await google.clusters.createCluster({ ...where, cluster: { clusterName, config: {} } })
    await creation.promise()
    await bench.call('reapOrphans', [])
    expect(await isThere()).toBe(true)
    const [deletion] = await google.clusters.deleteCluster({ ...where, clusterName })
    await deletion.promise()
    await bench.call('reapOrphans', [])
    expect(await isThere()).toBe(false)
  })

  test('P10: spares an output that is being loaded', async () => {
    const bigquery = new Control(cloud.get('BIGQUERY_CONTROL_URL'))
    await bigquery.put('/settings', { loadMs: 2_000 })
    const [, datasetId = ''] = cloud.get('BQ_OUTPUT_TABLE').split('.')
    const [job] = await google.bigquery.createJob({
      jobId: `${LOAD_ID}_0`,
      location: 'US',
      configuration: {
        load: {
          sourceUris: [`${attempt.outputPath}part-*`],
          sourceFormat: 'CSV',
          schema: { fields: ['a', 'b'].map((name) => ({ name, type: 'STRING' })) },
          destinationTable: { projectId: cloud.get('GOOGLE_CLOUD_PROJECT'), datasetId, tableId: 'loads' },
        },
      },
    })
    await bench.call('reapOrphans', [])
    expect(await isThere()).toBe(true)
    await job.promise()
    await bench.call('reapOrphans', [])
    expect(await isThere()).toBe(false)
  })

  test('is not kept from the rest by an output that cannot be deleted', async () => {
    const storage = new Control(cloud.get('STORAGE_CONTROL_URL'))
    // Its note is found before the other one.
    const stuck = '0'.repeat(32)
    const note = { namespaceId: NAMESPACE_ID, owner: 'owner', input: plan.input, loadId: LOAD_ID }
    await outputNotes(google.storage, bench.settings).add(stuck, note)
    await storage.addFault({ on: 'objects.list', match: stuck, kind: 'error', code: 403, times: 9 })
    await expect(bench.call('reapOrphans', [])).rejects.toMatchObject({ type: 'PermissionDenied' })
    expect(await isThere()).toBe(false)
    expect(await noted()).toEqual([stuck])
    await storage.clear()
    await bench.call('reapOrphans', [])
    expect(await noted()).toEqual([])
  })
})
